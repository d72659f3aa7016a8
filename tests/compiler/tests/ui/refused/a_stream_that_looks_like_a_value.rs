use breaker_runtime::circuit_breaker;
use tokio_stream::{Once, once};

#[circuit_breaker(name = "prices", fallback = once(None))]
fn prices() -> Once<Option<u8>> {
    once(Some(1))
}

fn main() {
    drop(prices());
}
