use breaker_runtime::circuit_breaker;

const MINIMUM: u32 = 21;

#[circuit_breaker(name = "prices", failure_rate = 0.5, window = 20, minimum_calls = MINIMUM)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
