use std::pin::Pin;
use std::task::{Context, Poll};

use breaker_runtime::circuit_breaker;

struct BoxFuture<T, E>(Option<Result<T, E>>);

impl<T: Unpin, E: Unpin> Future for BoxFuture<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<T, E>> {
        Poll::Ready(self.0.take().unwrap())
    }
}

#[circuit_breaker(name = "prices", fallback = |_| Ok(0))]
fn price(sku: u8) -> BoxFuture<u8, String> {
    BoxFuture(Some(Ok(sku)))
}

fn main() {
    drop(price(1));
}
