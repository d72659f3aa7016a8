#![deny(deprecated)]

use breaker_runtime::circuit_breaker;

#[deprecated = "ask `stock`"]
#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
