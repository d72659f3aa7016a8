use breaker_runtime::circuit_breaker;
use tokio_stream::once;

type PriceStream = tokio_stream::Once<Option<u8>>;

#[circuit_breaker(name = "prices", fallback = None)]
fn prices() -> PriceStream {
    once(Some(1))
}

fn main() {
    drop(prices());
}
