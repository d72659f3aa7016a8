use breaker_runtime::circuit_breaker;

mod market {
    pub trait Future {
        type Output;
    }

    impl Future for u8 {
        type Output = Option<u8>;
    }
}

use market::Future;

#[circuit_breaker(name = "prices")]
fn price(sku: u8) -> impl Future<Output = Option<u8>> {
    sku
}

fn main() {
    price(1);
}
