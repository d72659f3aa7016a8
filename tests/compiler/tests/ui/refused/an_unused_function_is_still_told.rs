#![deny(dead_code)]

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "stock")]
async fn stock(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "orders")]
fn order(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    order("tea");
}
