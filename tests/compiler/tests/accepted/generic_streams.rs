//! Streams of generic functions, with and without bounds on their items.

use std::fmt::Debug;

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

#[circuit_breaker(name = "results-gs")]
fn results<T, E: From<Rejected>, const N: usize>(
    items: [Result<T, E>; N],
) -> impl Stream<Item = Result<T, E>> {
    iter(items)
}

#[circuit_breaker(name = "hidden-gs")]
fn hidden<T: Debug>(item: T) -> impl Stream<Item = Option<impl Debug>> {
    iter([Some(item)])
}

#[circuit_breaker(name = "taken")]
fn taken(stream: impl Stream<Item = Option<u8>> + Send) -> impl Stream<Item = Option<u8>> + Send {
    stream
}

#[circuit_breaker(name = "any", failures = panics, fallback = T::default())]
fn any<T: Default>(item: T) -> impl Stream<Item = T> {
    iter([item])
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(read(results([Ok(1), Err(Fault)])), [Ok(1), Err(Fault)]);
    assert_eq!(calls("results-gs"), (0, 1));
    assert_eq!(format!("{:?}", read(hidden("tea"))), r#"[Some("tea")]"#);
    assert_eq!(read(taken(iter([Some(1), None]))), [Some(1), None]);
    assert_eq!(calls("taken"), (0, 1));
    assert_eq!(read(any(7)), [7]);
    assert_eq!((calls("hidden-gs"), calls("any")), ((1, 0), (1, 0)));
}
