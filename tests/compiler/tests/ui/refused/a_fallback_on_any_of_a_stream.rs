use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[circuit_breaker(name = "prices", fallback = Some(0), fallback_on = any)]
fn prices() -> impl Stream<Item = Option<u8>> {
    tokio_stream::once(Some(1))
}

fn main() {
    drop(prices());
}
