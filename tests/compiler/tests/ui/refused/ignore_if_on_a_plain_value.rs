use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", ignore_if = |error| true, fallback = 0)]
fn price(sku: &str) -> usize {
    sku.len()
}

fn main() {
    price("tea");
}
