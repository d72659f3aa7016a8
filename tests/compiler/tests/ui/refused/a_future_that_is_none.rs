use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: u8) -> impl Future<Output = Option<u8>> {
    Some(sku)
}

fn main() {
    drop(price(1));
}
