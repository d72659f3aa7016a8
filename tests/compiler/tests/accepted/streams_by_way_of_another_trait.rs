//! A trait that every fitting stream has says what its items are, and the compiler knows it.

use crate::common::{calls, read};
use breaker_runtime::{Rejected, circuit_breaker};
use futures_core::{Stream, TryStream};
use tokio_stream::iter;

#[derive(Clone, Debug, PartialEq)]
struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

trait NumberStream: Stream<Item = Option<u8>> {}

impl<S: Stream<Item = Option<u8>>> NumberStream for S {}

#[circuit_breaker(name = "tried-sbwoat")]
fn tried() -> impl TryStream<Ok = u8, Error = Fault, Item = Result<u8, Fault>> + Send {
    iter([Ok(1), Err(Fault)])
}

#[circuit_breaker(name = "numbers-sbwoat", fallback = None)]
fn numbers() -> impl NumberStream {
    iter([Some(1)])
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(read(tried()), [Ok(1), Err(Fault)]);
    assert_eq!(calls("tried-sbwoat"), (0, 1));
    assert_eq!(read(numbers()), [Some(1)]);
    assert_eq!(calls("numbers-sbwoat"), (1, 0));
}
