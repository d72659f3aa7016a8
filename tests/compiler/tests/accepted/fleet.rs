//! A circuit that is shared, by a word and by a constant.

use breaker_runtime::{Policy, circuit_breaker, registry};

const SHARED: Policy = Policy::Any;

#[circuit_breaker(name = "prices-f", fleet = quorum)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "rates", fleet = SHARED)]
fn rate(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[test]
fn it_compiles_and_runs() {
    price("tea");
    rate("tea");
    let policy = |name: &str| registry().snapshot_of(name).unwrap().config.settings().fleet;
    assert_eq!((policy("prices-f"), policy("rates")), (Policy::Quorum, Policy::Any));
}
