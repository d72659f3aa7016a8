use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", window = "9ms")]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
