use breaker_runtime::circuit_breaker;
use futures_core::stream::BoxStream;

#[circuit_breaker(name = "prices", fallback = |_| tokio_stream::once(Some(0)))]
fn prices() -> BoxStream<'static, Option<u8>> {
    Box::pin(tokio_stream::once(Some(1)))
}

fn main() {
    drop(prices());
}
