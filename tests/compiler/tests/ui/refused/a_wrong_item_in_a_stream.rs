use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[derive(Debug)]
struct Fault;

impl From<breaker_runtime::Rejected> for Fault {
    fn from(_: breaker_runtime::Rejected) -> Self {
        Self
    }
}

#[circuit_breaker(name = "prices")]
fn prices() -> impl Stream<Item = Result<u8, Fault>> {
    tokio_stream::once(1)
}

fn main() {
    drop(prices());
}
