//! What programs ask about their streams and circuits.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use breaker_runtime::registry;
use futures_core::Stream;

/// All items that a stream yields without waiting.
pub(crate) fn read<S: Stream>(stream: S) -> Vec<S::Item> {
    let mut stream = pin!(stream);
    let mut items = Vec::new();
    while let Poll::Ready(Some(item)) =
        stream.as_mut().poll_next(&mut Context::from_waker(Waker::noop()))
    {
        items.push(item);
    }
    items
}

/// The successes and the failures of a circuit.
pub(crate) fn calls(name: &str) -> (u64, u64) {
    let calls = registry().get(name).unwrap().snapshot().calls;
    (calls.success, calls.failure)
}
