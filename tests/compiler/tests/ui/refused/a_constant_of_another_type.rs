use breaker_runtime::circuit_breaker;

const LIMIT: u64 = 3;

#[circuit_breaker(name = "prices", failure_threshold = LIMIT)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
