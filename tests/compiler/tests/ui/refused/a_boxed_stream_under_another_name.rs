use breaker_runtime::circuit_breaker;
use futures_core::stream::BoxStream as Prices;

#[circuit_breaker(name = "prices", failure_if = |_| false, fallback = Box::pin(tokio_stream::once(None)))]
fn prices() -> Prices<'static, Option<u8>> {
    Box::pin(tokio_stream::once(Some(1)))
}

fn main() {
    drop(prices());
}
