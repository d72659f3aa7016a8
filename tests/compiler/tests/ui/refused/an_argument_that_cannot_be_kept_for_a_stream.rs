use breaker_runtime::circuit_breaker;
use futures_core::Stream;

struct Connection;

#[circuit_breaker(name = "prices", fallback = |_| { drop(connection); None })]
fn prices(connection: Connection) -> impl Stream<Item = Option<u8>> {
    drop(connection);
    tokio_stream::once(Some(1))
}

fn main() {
    drop(prices(Connection));
}
