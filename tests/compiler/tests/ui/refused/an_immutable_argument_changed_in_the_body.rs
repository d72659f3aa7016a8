use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: String) -> Option<usize> {
    sku.push('s');
    Some(sku.len())
}

fn main() {
    price("tea".to_owned());
}
