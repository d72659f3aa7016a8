use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use breaker_runtime::circuit_breaker;

const CALLS: u32 = 8;
const WAIT: Duration = Duration::ZERO;

#[circuit_breaker(name = "never waits", max_concurrent = 1, max_wait = "0s")]
fn never_waits() -> Option<u8> {
    Some(1)
}

#[circuit_breaker(name = "constants-boef", max_concurrent = CALLS, max_wait = WAIT)]
async fn constants() -> Option<u8> {
    Some(1)
}

#[circuit_breaker(name = "computed-boef", max_concurrent = CALLS / 2, max_wait = Duration::from_millis(5))]
fn computed() -> Pin<Box<dyn Future<Output = Option<u8>> + Send>> {
    Box::pin(async { Some(1) })
}

struct Shop;

impl Shop {
    #[circuit_breaker(name = "method-boef", max_concurrent = 8u32, max_wait = "1s 500ms")]
    fn method(&mut self) -> Option<u8> {
        Some(1)
    }

    #[circuit_breaker(name = "async method-boef", max_concurrent = 1)]
    async fn async_method(&self) -> Option<u8> {
        Some(1)
    }
}

#[test]
fn it_compiles_and_runs() {
    never_waits();
    Shop.method();
    drop((constants(), computed()));
    drop(Shop.async_method());
}
