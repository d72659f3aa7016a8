//! What a future resolves to is known by trait: whatever the alias is called, and wherever it has its arguments.

use std::future::ready;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use breaker_runtime::{Rejected, circuit_breaker};

#[derive(Clone, Debug, PartialEq)]
struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

/// The error is the last argument, and not what the future resolves to.
type MyFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + Sync>>;
type LocalBoxFuture<E, T, X> = Pin<Box<dyn Future<Output = (Result<T, E>, X)>>>;
type Fut = Pin<Box<dyn Future<Output = Option<u8>> + Send + Unpin>>;
type Borrowed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
use self::Borrowed as BorrowedFuture;
use crate::common::calls;

#[circuit_breaker(name = "two")]
fn two(ok: bool) -> MyFuture<u8, Fault> {
    Box::pin(ready(if ok { Ok(1) } else { Err(Fault) }))
}

#[circuit_breaker(name = "one", fallback = |_| Ok(0))]
fn one(ok: bool) -> BoxFuture<u8> {
    Box::pin(ready(if ok { Ok(1) } else { Err(Fault) }))
}

#[circuit_breaker(name = "three", failure_if = |(result, _)| result.is_err(), fallback = (Ok(0), 0))]
fn three(ok: bool) -> LocalBoxFuture<Fault, u8, u64> {
    Box::pin(async move { (if ok { Ok(1) } else { Err(Fault) }, 7) })
}

#[circuit_breaker(name = "none-aobf", on_cancel = failure)]
fn none(ok: bool) -> Fut {
    Box::pin(ready(ok.then_some(1)))
}

#[circuit_breaker(name = "borrowed-aobf", fallback = cached)]
fn borrowed(sku: &str) -> BorrowedFuture<'_, Result<usize, &str>> {
    Box::pin(async move { if sku.is_empty() { Err(sku) } else { Ok(sku.len()) } })
}

async fn cached(_sku: &str) -> Result<usize, &str> {
    Ok(0)
}

fn run<F: Future>(future: F) -> F::Output {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(output) = polled else { panic!("it waits for nothing") };
    output
}

fn is<T: Send + Sync>(it: T) -> T {
    it
}

#[test]
fn it_compiles_and_runs() {
    drop(two(true));
    assert_eq!((run(two(true)), run(two(false))), (Ok(1), Err(Fault)));
    assert_eq!(calls("two"), (1, 1));
    assert_eq!((run(is(one(true))), run(one(false))), (Ok(1), Ok(0)));
    assert_eq!(calls("one"), (1, 1));
    assert_eq!((run(three(true)), run(three(false))), ((Ok(1), 7), (Err(Fault), 7)));
    assert_eq!(calls("three"), (1, 1));
    assert_eq!((run(none(true)), run(none(false))), (Some(1), None));
    assert_eq!(calls("none-aobf"), (1, 1));
    assert_eq!((run(borrowed("tea")), run(borrowed(""))), (Ok(3), Ok(0)));
    assert_eq!(calls("borrowed-aobf"), (1, 1));
}
