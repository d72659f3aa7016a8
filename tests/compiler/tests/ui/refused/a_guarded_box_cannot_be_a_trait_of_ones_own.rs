use std::pin::Pin;

use breaker_runtime::circuit_breaker;

trait NamedFuture: Future<Output = Option<u8>> {
    fn name(&self) -> &'static str;
}

impl NamedFuture for std::future::Ready<Option<u8>> {
    fn name(&self) -> &'static str {
        "ready"
    }
}

#[circuit_breaker(name = "prices")]
fn price(sku: u8) -> Pin<Box<dyn NamedFuture>> {
    Box::pin(std::future::ready(Some(sku)))
}

fn main() {
    price(1).name();
}
