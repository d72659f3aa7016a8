//! Every option that means something for a stream.

use std::task::{Context, Waker};

use std::time::Duration;

use crate::common::{calls, read};
use breaker_runtime::{Config, Rejected, circuit_breaker};
use futures_core::Stream;
use tokio_stream::iter;

#[derive(Clone, Debug, PartialEq)]
struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

const SHARED: Config = Config::new().failure_threshold(2);
const AFTER: Duration = Duration::from_millis(80);

#[circuit_breaker(
    name = "many",
    config = SHARED,
    failure_rate = 0.5,
    window = 20,
    minimum_calls = 2,
    slow_call = "1h",
    slow_call_rate = 0.5,
    cooldown = "1s",
    max_concurrent = 3,
    max_wait = "0s",
    ignore_if = |fault| *fault == Fault,
    failure_if = |item: &Result<u8, Fault>| item.is_err() || *item == Ok(9),
    on_cancel = failure_after(AFTER),
    key = id,
    max_keys = 2,
    fallback = Ok(id),
    fallback_on = rejected
)]
fn many(id: u8) -> impl Stream<Item = Result<u8, Fault>> {
    iter([Ok(id)])
}

#[circuit_breaker(name = "dropped", on_cancel = failure, fallback = 0)]
fn dropped() -> impl Stream<Item = u8> {
    iter([1, 2])
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(read(many(1)), [Ok(1)]);
    assert_eq!(read(many(9)), [Ok(9)]);
    assert_eq!((calls("many/1"), calls("many/9")), ((1, 0), (0, 1)));
    let mut stream = Box::pin(dropped());
    assert!(stream.as_mut().poll_next(&mut Context::from_waker(Waker::noop())).is_ready());
    drop(stream);
    assert_eq!(calls("dropped"), (0, 1));
}
