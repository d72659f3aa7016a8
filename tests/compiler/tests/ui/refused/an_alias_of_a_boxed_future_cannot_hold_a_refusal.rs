use std::pin::Pin;

use breaker_runtime::circuit_breaker;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> BoxFuture<'_, Result<usize, String>> {
    Box::pin(async move { Ok(sku.len()) })
}

fn main() {
    drop(price("tea"));
}
