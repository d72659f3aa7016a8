use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[circuit_breaker(name = "prices")]
fn prices() -> impl Stream<Item = Option<u8>> {
    vec![Some(1)]
}

fn main() {
    drop(prices());
}
