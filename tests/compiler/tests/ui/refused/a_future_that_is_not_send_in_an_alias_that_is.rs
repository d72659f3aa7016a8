use std::pin::Pin;
use std::rc::Rc;

use breaker_runtime::circuit_breaker;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[circuit_breaker(name = "prices", fallback = |_| Some(*sku))]
fn price(sku: Rc<u8>) -> BoxFuture<Option<u8>> {
    let price = *sku;
    Box::pin(async move { Some(price) })
}

fn main() {
    drop(price(Rc::new(1)));
}
