//! A trait that every fitting future has says what the future resolves to, and the compiler knows it.

use std::future::ready;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use crate::common::calls;
use breaker_runtime::{Rejected, circuit_breaker};

#[derive(Debug, PartialEq)]
struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

trait TryFuture: Future<Output = Result<Self::Ok, Self::Error>> {
    type Ok;
    type Error;
}

impl<T, E, F: Future<Output = Result<T, E>>> TryFuture for F {
    type Ok = T;
    type Error = E;
}

#[circuit_breaker(name = "tried-fbwoat")]
fn tried(ok: bool) -> impl TryFuture<Ok = u8, Error = Fault> + Send {
    ready(if ok { Ok(1) } else { Err(Fault) })
}

#[circuit_breaker(name = "answered", fallback = |_| Ok(0))]
fn answered(ok: bool) -> impl TryFuture<Error = Fault, Ok = u8> + Unpin {
    ready(if ok { Ok(1) } else { Err(Fault) })
}

#[circuit_breaker(name = "pinned")]
fn pinned(ok: bool) -> Pin<Box<impl Future<Output = Option<u8>>>> {
    Box::pin(async move { ok.then_some(1) })
}

fn run<F: Future>(future: F) -> F::Output {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(output) = polled else { panic!("it waits for nothing") };
    output
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!((run(tried(true)), run(tried(false))), (Ok(1), Err(Fault)));
    assert_eq!(calls("tried-fbwoat"), (1, 1));
    assert_eq!((run(answered(true)), run(answered(false))), (Ok(1), Ok(0)));
    assert_eq!(calls("answered"), (1, 1));
    assert_eq!((run(pinned(true)), run(pinned(false))), (Some(1), None));
    assert_eq!(calls("pinned"), (1, 1));
}
