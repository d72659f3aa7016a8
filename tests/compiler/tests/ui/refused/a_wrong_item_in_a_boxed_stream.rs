use breaker_runtime::circuit_breaker;
use futures_core::stream::BoxStream;

#[circuit_breaker(name = "prices")]
fn prices() -> BoxStream<'static, Option<u8>> {
    Box::pin(tokio_stream::once(1))
}

fn main() {
    drop(prices());
}
