use breaker_runtime::circuit_breaker;

mod market {
    pub trait Stream {
        type Item;
    }

    impl Stream for u8 {
        type Item = Option<u8>;
    }
}

use market::Stream;

#[circuit_breaker(name = "prices")]
fn prices() -> impl Stream<Item = Option<u8>> {
    1
}

fn main() {
    prices();
}
