use std::future::{Ready, ready};

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| ready(0))]
fn price(sku: u8) -> Ready<u8> {
    ready(sku)
}

fn main() {
    drop(price(1));
}
