use breaker_runtime::circuit_breaker;
use futures_core::stream::BoxStream;

#[circuit_breaker(name = "lines", fallback = String::new())]
fn lines() -> BoxStream<'static, String> {
    Box::pin(tokio_stream::once("hello".to_owned()))
}

fn main() {
    drop(lines());
}
