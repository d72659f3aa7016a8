#![deny(unused_variables)]

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str, amount: u32) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "stock")]
async fn stock(sku: &str, amount: u32) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea", 1);
    drop(stock("tea", 1));
}
