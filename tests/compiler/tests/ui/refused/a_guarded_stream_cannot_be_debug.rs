use breaker_runtime::circuit_breaker;
use futures_core::Stream;

#[circuit_breaker(name = "prices")]
fn prices() -> impl Stream<Item = Option<u8>> + std::fmt::Debug {
    tokio_stream::iter(vec![Some(1)])
}

fn main() {
    println!("{:?}", prices());
}
