#![deny(warnings, missing_docs, unused, rust_2018_idioms, let_underscore_drop)]
#![forbid(unsafe_code)]
//! A crate that denies what can be denied.

use breaker_runtime::circuit_breaker;

/// The price.
#[must_use]
#[circuit_breaker(name = "prices-awd", failure_threshold = 3, ignore_if = |fault| fault.is_empty(), fallback = cached)]
pub fn price(mut sku: String, _amount: u32) -> Result<usize, String> {
    sku.push('s');
    if sku.is_empty() { Err(sku) } else { Ok(sku.len()) }
}

fn cached(_sku: String, _amount: u32) -> Result<usize, String> {
    Ok(0)
}

/// The stock.
#[circuit_breaker(name = "stock-awd", on_cancel = failure, fallback = |error| Err(error.to_string()))]
pub async fn stock(sku: &str) -> Result<usize, String> {
    std::future::ready(Ok(sku.len())).await
}

/// Asks a host, which only its key needs.
#[circuit_breaker(name = "hosts", key = host, max_concurrent = 8, window = "30s", fallback = true)]
pub fn ask(host: &str, (port, _): (u16, u16)) -> bool {
    port > 0
}

/// Asks a port, which only its key needs.
#[circuit_breaker(name = "ports", key = port, call_timeout = "1s")]
pub async fn ask_port(host: &str, (port, _): (u16, u16)) -> Option<usize> {
    Some(host.len())
}

/// Tells somebody.
#[circuit_breaker(name = "told-awd", failures = panics, fallback = ())]
pub fn tell(_sku: &str) {}

/// Never comes back.
#[circuit_breaker(name = "never", failures = panics, fallback = panic!("refused"))]
pub fn never() -> ! {
    panic!("as it should")
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(price("tea".to_owned(), 1), Ok(4));
    drop(stock("tea"));
    ask("kiel", (80, 0));
    drop(ask_port("kiel", (80, 0)));
    tell("tea");
    assert!(std::panic::catch_unwind(|| never()).is_err());
}
