use breaker_runtime::circuit_breaker;

const WINDOW: f64 = 30.0;

#[circuit_breaker(name = "prices", window = WINDOW)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
