use std::fmt::Debug;
use std::future::{Ready, ready};

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: u8) -> impl Future<Output = Option<u8>> + Debug + Send {
    let price: Ready<_> = ready(Some(sku));
    price
}

fn main() {
    drop(price(1));
}
