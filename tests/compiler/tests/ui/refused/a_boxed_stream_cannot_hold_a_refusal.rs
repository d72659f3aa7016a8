use std::pin::Pin;

use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[circuit_breaker(name = "prices")]
fn prices() -> Pin<Box<dyn Stream<Item = Result<u8, String>> + Send>> {
    Box::pin(tokio_stream::once(Ok(1)))
}

fn main() {
    drop(prices());
}
