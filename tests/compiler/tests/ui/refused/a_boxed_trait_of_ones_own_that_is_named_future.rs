use std::pin::Pin;

use breaker_runtime::circuit_breaker;

mod market {
    pub trait Future {
        type Output;
    }

    impl Future for u8 {
        type Output = Option<u8>;
    }
}

#[circuit_breaker(name = "prices")]
fn price(sku: u8) -> Pin<Box<dyn market::Future<Output = Option<u8>>>> {
    Box::pin(sku)
}

fn main() {
    price(1);
}
