use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", failure_threshold = limit)]
fn price(limit: &str) -> Option<usize> {
    Some(limit.len())
}

fn main() {
    price("tea");
}
