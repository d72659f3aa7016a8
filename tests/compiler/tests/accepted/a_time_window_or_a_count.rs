use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use breaker_runtime::circuit_breaker;

const CALLS: u32 = 50;
const TIME: Duration = Duration::from_secs(30);

#[circuit_breaker(name = "literal-atwoac", failure_rate = 0.5, window = "1m 30s")]
fn literal() -> Option<u8> {
    Some(1)
}

#[circuit_breaker(
    name = "shortest-atwoac",
    failure_rate = 0.5,
    window = "10ms",
    minimum_calls = 1_000
)]
async fn shortest() -> Option<u8> {
    Some(1)
}

#[circuit_breaker(name = "calls", failure_rate = 0.5, window = CALLS)]
fn calls() -> Option<u8> {
    Some(1)
}

#[circuit_breaker(name = "time", failure_rate = 0.5, window = TIME, minimum_calls = 2 * CALLS)]
async fn time() -> Option<u8> {
    Some(1)
}

#[circuit_breaker(name = "number-atwoac", failure_rate = 0.5, window = 2 * 25)]
fn number() -> Option<u8> {
    Some(1)
}

#[circuit_breaker(name = "computed-atwoac", failure_rate = 0.5, window = TIME.saturating_mul(2))]
fn computed() -> Pin<Box<dyn Future<Output = Option<u8>> + Send>> {
    Box::pin(async { Some(1) })
}

struct Shop;

impl Shop {
    const WINDOW: Duration = Duration::from_millis(10);

    #[circuit_breaker(name = "method-atwoac", failure_rate = 0.5, window = (Shop::WINDOW))]
    fn method(&self) -> Option<u8> {
        Some(1)
    }
}

#[test]
fn it_compiles_and_runs() {
    literal();
    calls();
    number();
    Shop.method();
    drop((shortest(), time(), computed()));
}
