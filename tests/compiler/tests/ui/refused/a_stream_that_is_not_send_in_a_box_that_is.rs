use std::rc::Rc;

use breaker_runtime::circuit_breaker;
use futures_core::stream::BoxStream;
use tokio_stream::{StreamExt, once};

#[circuit_breaker(name = "prices")]
fn prices(price: Rc<u8>) -> BoxStream<'static, Option<u8>> {
    Box::pin(once(()).map(move |()| Some(*price)))
}

fn main() {
    drop(prices(Rc::new(1)));
}
