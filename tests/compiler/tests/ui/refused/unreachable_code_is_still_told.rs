#![deny(unreachable_code)]

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<usize> {
    return Some(sku.len());
    Some(0)
}

fn main() {
    price("tea");
}
