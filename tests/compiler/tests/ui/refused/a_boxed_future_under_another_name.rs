use std::pin::Pin;

use breaker_runtime::circuit_breaker;

type Reply<T> = Pin<Box<dyn Future<Output = Option<T>> + Send>>;

#[circuit_breaker(name = "prices")]
fn price(sku: u8) -> Reply<u8> {
    Box::pin(async move { Some(sku) })
}

fn main() {
    drop(price(1));
}
