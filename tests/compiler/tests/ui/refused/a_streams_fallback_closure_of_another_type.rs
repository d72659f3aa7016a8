use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[circuit_breaker(name = "prices", fallback = |_| 0)]
fn prices() -> impl Stream<Item = Option<u8>> {
    tokio_stream::once(Some(1))
}

fn main() {
    drop(prices());
}
