#![deny(warnings, missing_docs, unused, rust_2018_idioms, let_underscore_drop)]
#![forbid(unsafe_code)]
//! A crate that denies what can be denied.

use breaker_runtime::circuit_breaker;

/// The price.
#[must_use]
#[circuit_breaker(name = "prices", failure_threshold = 3, ignore_if = |fault| fault.is_empty(), fallback = cached)]
pub fn price(mut sku: String, _amount: u32) -> Result<usize, String> {
    sku.push('s');
    if sku.is_empty() { Err(sku) } else { Ok(sku.len()) }
}

fn cached(_sku: String, _amount: u32) -> Result<usize, String> {
    Ok(0)
}

/// The stock.
#[circuit_breaker(name = "stock", on_cancel = failure, fallback = |error| Err(error.to_string()))]
pub async fn stock(sku: &str) -> Result<usize, String> {
    std::future::ready(Ok(sku.len())).await
}

/// Tells somebody.
#[circuit_breaker(name = "told", fallback = ())]
pub fn tell(_sku: &str) {}

/// Never comes back.
#[circuit_breaker(name = "never", fallback = std::process::exit(1))]
pub fn never() -> ! {
    std::process::exit(0)
}

fn main() {
    assert_eq!(price("tea".to_owned(), 1), Ok(4));
    drop(stock("tea"));
    tell("tea");
    never();
}
