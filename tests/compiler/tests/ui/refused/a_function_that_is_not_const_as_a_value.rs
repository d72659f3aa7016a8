use breaker_runtime::circuit_breaker;

fn limit() -> u32 {
    3
}

#[circuit_breaker(name = "prices", failure_threshold = limit())]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
