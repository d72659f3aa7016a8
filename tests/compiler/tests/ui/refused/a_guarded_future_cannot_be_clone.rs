use std::future::ready;

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| None)]
fn price(sku: u8) -> impl Clone + Future<Output = Option<u8>> {
    ready(Some(sku))
}

fn main() {
    drop(price(1).clone());
}
