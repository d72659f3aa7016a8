use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[circuit_breaker(name = "prices", fallback = |_| other(), fallback_on = rejected)]
fn prices<S: Stream<Item = Option<u8>>>(feed: S, other: fn() -> S) -> S {
    drop(other);
    feed
}

fn main() {
    drop(prices(tokio_stream::empty(), tokio_stream::empty));
}
