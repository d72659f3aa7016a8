use breaker_runtime::circuit_breaker;

trait FusedFuture: Future {
    fn is_terminated(&self) -> bool;
}

impl<T> FusedFuture for std::future::Ready<T> {
    fn is_terminated(&self) -> bool {
        true
    }
}

#[circuit_breaker(name = "prices")]
fn price(sku: u8) -> impl FusedFuture<Output = Option<u8>> {
    std::future::ready(Some(sku))
}

#[circuit_breaker(name = "costs")]
fn cost(sku: u8) -> impl Future<Output = Option<u8>> + FusedFuture {
    std::future::ready(Some(sku))
}

fn main() {
    price(1).is_terminated();
    cost(1).is_terminated();
}
