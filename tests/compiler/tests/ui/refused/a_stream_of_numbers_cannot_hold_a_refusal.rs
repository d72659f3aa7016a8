use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[circuit_breaker(name = "prices")]
fn prices() -> impl Stream<Item = u8> {
    tokio_stream::once(1)
}

fn main() {
    drop(prices());
}
