use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = None)]
fn price(sku: String) -> Option<Money> {
    Some(sku.len())
}

fn main() {
    price("tea".to_owned());
}
