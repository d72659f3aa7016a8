//! A service whose stream is an associated type.

use std::pin::Pin;

use crate::common::{calls, read};
use breaker_runtime::circuit_breaker;
use futures_core::Stream;
use tokio_stream::iter;

trait Feed {
    type Item;
    type Stream: Stream<Item = Option<Self::Item>>;
    fn open(&self) -> Self::Stream;
}

struct Prices;

impl Feed for Prices {
    type Item = u8;
    type Stream = Pin<Box<dyn Stream<Item = Option<u8>> + Send>>;

    #[circuit_breaker(name = "prices-soat")]
    fn open(&self) -> Self::Stream {
        Box::pin(iter([Some(1), None]))
    }
}

struct Generic<T>(T);

impl<T: Clone + Send + 'static> Feed for Generic<T> {
    type Item = T;
    type Stream = Pin<Box<dyn Stream<Item = Option<T>> + Send>>;

    #[circuit_breaker(name = "generic-soat", fallback = |_| None)]
    fn open(&self) -> <Self as Feed>::Stream {
        Box::pin(iter([Some(self.0.clone())]))
    }
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(read(Prices.open()), [Some(1), None]);
    assert_eq!(calls("prices-soat"), (0, 1));
    assert_eq!(read(Generic("tea").open()), [Some("tea")]);
    assert_eq!(calls("generic-soat"), (1, 0));
}
