#![deny(unused_mut)]

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(mut sku: String) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea".to_owned());
}
