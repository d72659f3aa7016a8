use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use breaker_runtime::{CallError, Rejected, TimedOut, circuit_breaker};

#[derive(Debug)]
enum Fault {
    Refused,
    Late,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

impl From<TimedOut> for Fault {
    fn from(_: TimedOut) -> Self {
        Self::Late
    }
}

const LIMIT: Duration = Duration::from_secs(2);

#[circuit_breaker(name = "no fallback", call_timeout = "2s")]
async fn no_fallback(sku: &str) -> Result<usize, Fault> {
    Ok(sku.len())
}

#[circuit_breaker(name = "option-ctoef", call_timeout = LIMIT)]
async fn option(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "plain", call_timeout = LIMIT.saturating_mul(2), fallback = sku.len())]
async fn plain(sku: String) -> usize {
    sku.len() + 1
}

#[circuit_breaker(name = "fallback-ctoef", call_timeout = "2s", fallback = |error| match error {
    CallError::TimedOut(late) => Err(late.to_string()),
    _ => Ok(sku.len()),
})]
async fn fallback(sku: String) -> Result<usize, String> {
    Ok(sku.len())
}

#[circuit_breaker(name = "rejected", call_timeout = "2s", fallback = Ok(1), fallback_on = rejected)]
async fn rejected() -> Result<usize, Fault> {
    Ok(1)
}

#[circuit_breaker(name = "boxed-ctoef", call_timeout = "2s")]
fn boxed<'a>(sku: &'a str) -> Pin<Box<dyn Future<Output = Result<usize, Fault>> + Send + 'a>> {
    Box::pin(async move { Ok(sku.len()) })
}

#[circuit_breaker(name = "opaque-ctoef", call_timeout = "2s", fallback = 1)]
fn opaque(sku: &str) -> impl Future<Output = usize> {
    async move { sku.len() }
}

struct Shop;

impl Shop {
    #[circuit_breaker(name = "method-ctoef", call_timeout = "2s", on_cancel = failure)]
    async fn method(&mut self, sku: &str) -> Result<usize, Fault> {
        Ok(sku.len())
    }
}

fn is_send<T: Send>(future: T) -> T {
    future
}

#[test]
fn it_compiles_and_runs() {
    drop(is_send(no_fallback("tea")));
    drop(is_send(option("tea")));
    drop(is_send(plain("tea".into())));
    drop(is_send(fallback("tea".into())));
    drop(is_send(rejected()));
    drop(is_send(boxed("tea")));
    drop(opaque("tea"));
    drop(is_send(Shop.method("tea")));
}
