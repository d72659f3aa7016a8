use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "shop/prices", key = sku)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
