//! The path in `crate` leads to all that a stream needs.

use std::pin::Pin;

use futures_core::Stream;
use tokio_stream::once;

mod shared {
    pub(crate) use breaker_runtime as breakers;
}

#[shared::breakers::circuit_breaker(name = "opaque-soruap", crate = shared::breakers, fallback = |_| None)]
fn opaque() -> impl Stream<Item = Option<u8>> {
    once(Some(1))
}

#[shared::breakers::circuit_breaker(
    name = "boxed-soruap",
    crate = crate::streams_of_runtimes_under_another_path::shared::breakers,
    on_cancel = failure
)]
fn boxed() -> Pin<Box<dyn Stream<Item = Option<u8>>>> {
    Box::pin(once(Some(1)))
}

#[test]
fn it_compiles_and_runs() {
    drop((opaque(), boxed()));
}
