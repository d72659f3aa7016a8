use breaker_runtime::{CallError, circuit_breaker};
use futures::{Stream, stream};

#[circuit_breaker(name = "prices", describe_error = |error| error)]
fn price(sku: u8) -> impl Stream<Item = Result<u8, CallError<String>>> {
    stream::iter([Ok(sku)])
}

fn main() {
    let _ = price(1);
}
