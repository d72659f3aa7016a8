use breaker_runtime::circuit_breaker;

const SHARED: u32 = 5;

#[circuit_breaker(name = "prices", config = SHARED, failure_threshold = 3)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
