use breaker_runtime::circuit_breaker;
use futures_core::stream::FusedStream;

#[circuit_breaker(name = "prices")]
fn prices() -> impl FusedStream<Item = Option<u8>> {
    tokio_stream::StreamExt::fuse(tokio_stream::once(Some(1)))
}

fn main() {
    drop(prices());
}
