//! A service whose stream is an associated type.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use breaker_runtime::{circuit_breaker, registry};
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

fn read<S: Stream>(stream: S) -> Vec<S::Item> {
    let mut stream = pin!(stream);
    let mut items = Vec::new();
    while let Poll::Ready(Some(item)) =
        stream.as_mut().poll_next(&mut Context::from_waker(Waker::noop()))
    {
        items.push(item);
    }
    items
}

fn calls(name: &str) -> (u64, u64) {
    let calls = registry().get(name).unwrap().snapshot().calls;
    (calls.success, calls.failure)
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(read(Prices.open()), [Some(1), None]);
    assert_eq!(calls("prices-soat"), (0, 1));
    assert_eq!(read(Generic("tea").open()), [Some("tea")]);
    assert_eq!(calls("generic-soat"), (1, 0));
}
