use breaker_runtime::circuit_breaker;

const WINDOW: std::time::Duration = std::time::Duration::from_millis(9);

#[circuit_breaker(name = "prices", window = WINDOW)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
