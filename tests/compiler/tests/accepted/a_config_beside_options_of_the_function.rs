#![deny(warnings, clippy::pedantic)]

use std::time::Duration;

use breaker_runtime::{Config, circuit_breaker, registry};

const NAME: &str = "prices";
const SHARED: Config =
    Config::new().failure_threshold(1).max_concurrent(3).cooldown(Duration::from_secs(5));

#[derive(Clone, Debug, PartialEq)]
struct Absent;

#[circuit_breaker(
    name = NAME,
    config = SHARED,
    key = sku,
    max_keys = 10,
    ignore_if = |error: &Absent| *error == Absent,
    failure_if = |value: &Result<usize, Absent>| value.is_err(),
    fallback = |_| Ok(0)
)]
fn price(sku: &str) -> Result<usize, Absent> {
    if sku.is_empty() { Err(Absent) } else { Ok(sku.len()) }
}

#[circuit_breaker(
    name = "stock-acbootf",
    config = SHARED,
    max_wait = "10ms",
    call_timeout = "1s",
    on_cancel = failure_after("1s"),
    fallback = Some(7)
)]
async fn stock(sku: &str) -> Option<usize> {
    (sku == "tea").then_some(1)
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(price("tea"), Ok(3));
    assert_eq!(price(""), Err(Absent));
    drop(stock("tea"));
    let config = registry().get("prices/tea").unwrap().snapshot().config;
    assert_eq!(config.to_string(), "failure_threshold=1, cooldown=5s, max_concurrent=3");
    let stated: Vec<_> =
        registry().get("stock-acbootf").unwrap().snapshot().config.stated().collect();
    assert_eq!(stated, ["failure_threshold", "cooldown", "max_concurrent", "max_wait"]);
}
