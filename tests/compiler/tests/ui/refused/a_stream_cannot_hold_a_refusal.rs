use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[circuit_breaker(name = "prices")]
fn prices() -> impl Stream<Item = Result<u8, String>> {
    tokio_stream::once(Ok(1))
}

fn main() {
    drop(prices());
}
