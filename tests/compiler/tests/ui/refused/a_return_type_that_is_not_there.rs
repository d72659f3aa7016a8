use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<Money> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
