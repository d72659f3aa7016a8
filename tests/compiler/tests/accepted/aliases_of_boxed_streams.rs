//! What a stream's items are is known by trait: whatever the alias is called, and wherever it has its arguments.

use std::pin::Pin;

use breaker_runtime::{Rejected, circuit_breaker, registry};
use futures_core::Stream;
use futures_core::stream::{BoxStream, LocalBoxStream};
use tokio_stream::iter;

#[derive(Clone, Debug, PartialEq)]
struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

type PriceStream<E, T> = Pin<Box<dyn Stream<Item = Result<T, E>> + Send>>;
type Ticks = BoxStream<'static, u32>;
use self::Ticks as TickStream;
use crate::common::{calls, read};

#[circuit_breaker(name = "prices-aobs")]
fn prices() -> PriceStream<Fault, u8> {
    Box::pin(iter([Ok(1), Err(Fault)]))
}

#[circuit_breaker(name = "ticks", failure_if = |tick| *tick > 1, fallback = 0)]
fn ticks() -> TickStream {
    Box::pin(iter([1, 2]))
}

#[circuit_breaker(name = "words", fallback = None)]
fn words(text: &str) -> LocalBoxStream<'_, Option<char>> {
    Box::pin(iter(text.chars().map(Some)))
}

#[circuit_breaker(name = "borrowed-aobs")]
fn borrowed<'a>(text: &'a str) -> BoxStream<'a, Result<&'a str, Fault>> {
    Box::pin(iter(text.split(' ').map(Ok)))
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(read(prices()), [Ok(1), Err(Fault)]);
    assert_eq!(calls("prices-aobs"), (0, 1));
    assert_eq!(read(ticks()), [1, 2]);
    assert_eq!(calls("ticks"), (0, 1));
    assert_eq!(read(words("ab")), [Some('a'), Some('b')]);
    assert_eq!(calls("words"), (1, 0));
    registry().get("borrowed-aobs").unwrap().force_open();
    assert_eq!(read(borrowed("a b")), [Err(Fault)]);
}
