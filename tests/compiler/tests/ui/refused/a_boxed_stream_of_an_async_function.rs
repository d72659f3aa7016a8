use breaker_runtime::circuit_breaker;
use futures_core::stream::BoxStream;

#[circuit_breaker(name = "prices", failures = panics, fallback = |_| Box::pin(tokio_stream::empty()))]
async fn prices() -> BoxStream<'static, Option<u8>> {
    Box::pin(tokio_stream::once(Some(1)))
}

fn main() {
    drop(prices());
}
