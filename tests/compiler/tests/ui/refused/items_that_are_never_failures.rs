use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[circuit_breaker(name = "prices", fallback = 0)]
fn prices() -> impl Stream<Item = u8> {
    tokio_stream::once(1)
}

fn main() {
    drop(prices());
}
