use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
async fn price(sku: String) -> Option<usize> {
    drop(sku);
    Some(sku.len())
}

fn main() {
    drop(price("tea".to_owned()));
}
