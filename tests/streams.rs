//! Functions that return a stream: one stream is one call.

use breaker_runtime::{Rejected, circuit_breaker, registry};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use tokio_stream::{StreamExt, iter};

#[derive(Debug, PartialEq)]
enum Fault {
    Refused,
    Down,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

#[circuit_breaker(name = "first")]
fn first(n: u32) -> impl Stream<Item = Result<u32, Fault>> {
    iter((0..n).map(Ok).chain([Err(Fault::Down)]))
}

#[circuit_breaker(name = "boxed", fallback = |err| { drop(err); Ok(n) })]
fn boxed(n: u32) -> BoxStream<'static, Result<u32, Fault>> {
    Box::pin(iter((0..n).map(Ok).chain([Err(Fault::Down)])))
}

#[tokio::test]
async fn it_works() {
    assert_eq!(first(1).collect::<Vec<_>>().await, [Ok(0), Err(Fault::Down)]);
    assert_eq!(registry().get("first").unwrap().snapshot().calls.failure, 1);
    assert_eq!(boxed(1).collect::<Vec<_>>().await, [Ok(0), Err(Fault::Down)]);
}
