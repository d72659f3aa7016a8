use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: String) -> Option<usize> {
    drop(sku);
    Some(sku.len())
}

fn main() {
    price("tea".to_owned());
}
