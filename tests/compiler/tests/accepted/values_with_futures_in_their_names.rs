//! What is no future is a plain value, whatever it is called; and an `async fn` may return a future as its value.

use std::future::{Ready, ready};

use breaker_runtime::circuit_breaker;

mod market {
    pub trait Future {
        type Output;
    }

    #[derive(Debug, PartialEq)]
    pub struct WheatFuture(pub u32);

    impl Future for WheatFuture {
        type Output = u32;
    }
}

use market::{Future as Contract, WheatFuture as Wheat};

struct FutureOrder {
    weight: u8,
}

#[circuit_breaker(name = "contract", failures = panics, fallback = |_| Wheat(0))]
fn contract() -> impl Contract<Output = u32> {
    Wheat(1)
}

#[circuit_breaker(name = "wheat", failures = panics, fallback = |_| Wheat(0))]
fn wheat() -> Wheat {
    Wheat(1)
}

#[circuit_breaker(name = "orders-vwfitn", failures = panics, fallback = FutureOrder { weight: 0 })]
fn order() -> FutureOrder {
    FutureOrder { weight: 1 }
}

#[circuit_breaker(name = "slots", failures = panics, fallback = |_| ready(0))]
async fn slot() -> Ready<u8> {
    ready(1)
}

#[test]
fn it_compiles_and_runs() {
    let _ = contract();
    assert_eq!(wheat(), Wheat(1));
    assert_eq!(order().weight, 1);
    drop(slot());
}
