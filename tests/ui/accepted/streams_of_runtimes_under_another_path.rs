//! The path in `crate` leads to all that a stream needs.

use std::pin::Pin;

use futures_core::Stream;
use tokio_stream::once;

mod shared {
    pub(crate) use breaker_runtime as breakers;
}

#[shared::breakers::circuit_breaker(name = "opaque", crate = shared::breakers, fallback = |_| None)]
fn opaque() -> impl Stream<Item = Option<u8>> {
    once(Some(1))
}

#[shared::breakers::circuit_breaker(name = "boxed", crate = crate::shared::breakers, on_cancel = failure)]
fn boxed() -> Pin<Box<dyn Stream<Item = Option<u8>>>> {
    Box::pin(once(Some(1)))
}

fn main() {
    drop((opaque(), boxed()));
}
