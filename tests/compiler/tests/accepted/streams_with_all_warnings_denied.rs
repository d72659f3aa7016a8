//! Guarded streams give the compiler nothing to complain about.
#![deny(warnings, unused, missing_docs, unreachable_pub, rust_2018_idioms)]
#![forbid(unsafe_code)]

use breaker_runtime::{Rejected, circuit_breaker};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use tokio_stream::iter;

struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

struct Shop {
    prices: Vec<u8>,
}

impl Shop {
    #[circuit_breaker(name = "prices-swawd", ignore_if = |_| false)]
    fn prices(&self) -> impl Stream<Item = Result<u8, Fault>> + '_ {
        iter(self.prices.iter().map(|price| Ok(*price)))
    }

    #[circuit_breaker(name = "owned-swawd", fallback = |_| Some(mine))]
    fn owned(self, mut mine: u8) -> BoxStream<'static, Option<u8>> {
        mine += 1;
        Box::pin(iter(self.prices.into_iter().map(move |price| Some(price + mine))))
    }

    #[circuit_breaker(name = "told-swawd", failure_if = |_| false, fallback = |refused| refused.to_string())]
    fn told(&mut self, _unused: &str) -> impl Stream<Item = String> + use<> {
        self.prices.clear();
        iter(["one".to_owned()])
    }
}

#[test]
fn it_compiles_and_runs() {
    let mut shop = Shop { prices: vec![1] };
    drop(shop.prices());
    drop(shop.told(""));
    drop(shop.owned(1));
}
