//! Methods with every receiver, and methods of traits.

use std::sync::Arc;

use crate::common::{calls, read};
use breaker_runtime::circuit_breaker;
use futures_core::Stream;
use tokio_stream::iter;

#[derive(Clone)]
struct Shop(u8);

trait Feed {
    fn open(&self) -> impl Stream<Item = Option<u8>> + Send;

    #[circuit_breaker(name = "methods")]
    fn twice(&self) -> impl Stream<Item = Option<u8>> {
        iter([Some(1), Some(1)])
    }
}

impl Feed for Shop {
    #[circuit_breaker(name = "methods", fallback = |_| Some(self.0))]
    fn open(&self) -> impl Stream<Item = Option<u8>> + Send {
        iter([Some(self.0)])
    }
}

impl Shop {
    #[circuit_breaker(name = "methods")]
    fn exclusive(&mut self) -> impl Stream<Item = Option<&mut u8>> {
        iter([Some(&mut self.0)])
    }

    #[circuit_breaker(name = "methods", fallback = Self::answer)]
    fn owned(self) -> impl Stream<Item = Option<u8>> {
        iter([Some(self.0)])
    }

    async fn answer(self) -> Option<u8> {
        Some(self.0)
    }

    #[circuit_breaker(name = "methods")]
    fn shared(self: Arc<Self>) -> impl Stream<Item = Option<u8>> + 'static {
        iter([Some(self.0)])
    }
}

#[test]
fn it_compiles_and_runs() {
    let mut shop = Shop(1);
    assert_eq!(read(shop.open()), [Some(1)]);
    assert_eq!(read(shop.twice()), [Some(1), Some(1)]);
    assert_eq!(read(shop.exclusive()), [Some(&mut 1)]);
    assert_eq!(read(Arc::new(shop.clone()).shared()), [Some(1)]);
    assert_eq!(read(shop.owned()), [Some(1)]);
    assert_eq!(calls("methods"), (5, 0));
}
