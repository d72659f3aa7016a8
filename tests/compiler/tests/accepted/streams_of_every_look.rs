//! A stream is guarded however it is written.

use std::pin::Pin;

use crate::common::{calls, read};
use breaker_runtime::{Rejected, circuit_breaker};
use futures_core::Stream;
use tokio_stream::iter;

#[derive(Clone, Debug, PartialEq)]
struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

type Item = Result<u8, Fault>;

#[circuit_breaker(name = "opaque-soel")]
fn opaque(items: [Item; 2]) -> impl Stream<Item = Item> {
    iter(items)
}

#[circuit_breaker(name = "opaque-soel")]
fn by_path(items: [Item; 2]) -> impl ::futures_core::stream::Stream<Item = Item> + Send + 'static {
    iter(items)
}

#[circuit_breaker(name = "opaque-soel")]
fn boxed(items: [Item; 2]) -> Pin<Box<dyn Stream<Item = Item> + Send + Sync>> {
    Box::pin(iter(items))
}

#[circuit_breaker(name = "opaque-soel")]
fn boxed_opaque(items: [Item; 2]) -> Pin<Box<impl Stream<Item = Item>>> {
    Box::pin(iter(items))
}

#[circuit_breaker(name = "opaque-soel")]
fn unpinned(items: [Item; 2]) -> std::pin::Pin<std::boxed::Box<dyn Stream<Item = Item> + Unpin>> {
    Box::pin(iter(items))
}

#[circuit_breaker(name = "opaque-soel")]
fn early(items: [Item; 2]) -> impl Stream<Item = Item> {
    if items[0].is_err() {
        return iter(items);
    }
    iter([Ok(7), Ok(7)])
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(read(opaque([Ok(1), Ok(2)])), [Ok(1), Ok(2)]);
    assert_eq!(read(by_path([Ok(1), Err(Fault)])), [Ok(1), Err(Fault)]);
    assert_eq!(read(boxed([Ok(1), Err(Fault)])), [Ok(1), Err(Fault)]);
    assert_eq!(read(boxed_opaque([Ok(1), Ok(2)])), [Ok(1), Ok(2)]);
    assert_eq!(read(unpinned([Ok(1), Ok(2)])), [Ok(1), Ok(2)]);
    assert_eq!(read(early([Err(Fault), Ok(2)])), [Err(Fault), Ok(2)]);
    assert_eq!(calls("opaque-soel"), (3, 3));
}
