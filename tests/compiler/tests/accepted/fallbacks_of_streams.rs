//! The fallback of a stream makes its only item: a path, a closure, or another expression.

use crate::common::read;
use breaker_runtime::{CallError, Rejected, circuit_breaker, registry};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use tokio_stream::iter;

#[derive(Clone, Debug, PartialEq)]
struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

type Item = Result<String, Fault>;

#[circuit_breaker(name = "path-fos", fallback = cached)]
fn path(names: Vec<String>, _: &[u8]) -> impl Stream<Item = Item> {
    iter(names).map_ok()
}

async fn cached(names: Vec<String>, _: &[u8]) -> Item {
    names.into_iter().next().ok_or(Fault)
}

#[circuit_breaker(name = "closure-fos", fallback = |error: CallError<Fault>| match error {
    CallError::Rejected(rejected) => Ok(format!("{first}: {}", rejected.name())),
    CallError::TimedOut(_) | CallError::Failed(_) => Err(Fault),
}, fallback_on = rejected)]
fn closure((first, second): (String, String)) -> BoxStream<'static, Item> {
    Box::pin(iter([first, second]).map_ok())
}

#[circuit_breaker(name = "expression-fos", failures = panics, fallback = "none")]
fn expression() -> impl Stream<Item = &'static str> {
    iter(["one"])
}

#[circuit_breaker(name = "early", fallback = |refused| { Err(Fault::from_refusal(refused))?; Err(Fault) })]
fn early() -> impl Stream<Item = Item> {
    iter([Ok("one".to_owned())])
}

impl Fault {
    fn from_refusal<E>(_: CallError<E>) -> Self {
        Self
    }
}

trait MapOk: Stream<Item = String> + Sized {
    fn map_ok(self) -> impl Stream<Item = Item> {
        tokio_stream::StreamExt::map(self, Ok)
    }
}

impl<S: Stream<Item = String>> MapOk for S {}

#[test]
fn it_compiles_and_runs() {
    let name = || "tea".to_owned();
    assert_eq!(read(path(vec![name()], b"")), [Ok(name())]);
    assert_eq!(read(closure((name(), name()))), [Ok(name()), Ok(name())]);
    assert_eq!(read(expression()), ["one"]);
    for name in ["path-fos", "closure-fos", "expression-fos", "early"] {
        registry().get(name).unwrap().force_open();
    }
    assert_eq!(read(path(vec![name()], b"")), [Ok(name())]);
    assert_eq!(read(closure((name(), name()))), [Ok("tea: closure-fos".to_owned())]);
    assert_eq!(read(expression()), ["none"]);
    assert_eq!(read(early()), [Err(Fault)]);
}
