use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback_on = rejected)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
