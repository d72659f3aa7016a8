use breaker_runtime::circuit_breaker;

const WINDOW: u64 = 30;

#[circuit_breaker(name = "prices", window = WINDOW)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
