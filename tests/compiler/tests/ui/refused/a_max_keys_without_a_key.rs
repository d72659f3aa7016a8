use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", max_keys = 8)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
