use breaker_runtime::circuit_breaker;
use std::pin::Pin;

#[circuit_breaker(name = "prices")]
fn price(sku: u8) -> Pin<Box<dyn Future<Output = Result<u8, String>> + Send>> {
    Box::pin(async move { Ok(sku) })
}

fn main() {
    drop(price(1));
}
