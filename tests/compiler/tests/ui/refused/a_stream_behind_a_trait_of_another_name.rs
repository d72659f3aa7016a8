use breaker_runtime::circuit_breaker;
use futures_core::Stream;

trait Feed: Stream<Item = Option<u8>> {}

impl<S: Stream<Item = Option<u8>>> Feed for S {}

#[circuit_breaker(name = "prices", fallback = tokio_stream::once(None))]
fn prices() -> impl Feed {
    tokio_stream::once(Some(1))
}

fn main() {
    drop(prices());
}
