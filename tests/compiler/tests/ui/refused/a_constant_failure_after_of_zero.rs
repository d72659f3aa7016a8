use std::future::Future;
use std::time::Duration;

use breaker_runtime::circuit_breaker;

const PATIENCE: Duration = Duration::ZERO;

#[circuit_breaker(name = "prices", on_cancel = failure_after(PATIENCE))]
async fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "stock", on_cancel = failure_after(PATIENCE))]
fn stock(sku: &str) -> impl Future<Output = Option<usize>> {
    let length = sku.len();
    async move { Some(length) }
}

fn main() {
    drop((price("tea"), stock("tea")));
}
