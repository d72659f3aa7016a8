#![deny(unused_must_use)]

use breaker_runtime::circuit_breaker;

#[must_use = "a price is asked for to be paid"]
#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
