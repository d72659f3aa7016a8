use breaker_runtime::{CallError, circuit_breaker};
use futures_core::Stream;

#[circuit_breaker(name = "prices", describe_error = |error| error)]
fn price(sku: u8) -> impl Stream<Item = Result<u8, CallError<String>>> {
    tokio_stream::once(Ok(sku))
}

fn main() {
    let _ = price(1);
}
