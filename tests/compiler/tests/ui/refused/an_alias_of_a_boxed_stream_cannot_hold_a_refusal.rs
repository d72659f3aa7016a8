use breaker_runtime::circuit_breaker;
use futures_core::stream::BoxStream;

#[circuit_breaker(name = "prices")]
fn prices() -> BoxStream<'static, Result<u8, String>> {
    Box::pin(tokio_stream::once(Ok(1)))
}

fn main() {
    drop(prices());
}
