use std::pin::Pin;

use breaker_runtime::circuit_breaker;

type PriceFuture = Pin<Box<dyn Future<Output = u64> + Send>>;

#[circuit_breaker(name = "prices")]
fn price(sku: u64) -> PriceFuture {
    Box::pin(async move { sku })
}

fn main() {
    drop(price(1));
}
