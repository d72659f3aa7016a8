#![deny(warnings)]
#![forbid(unsafe_code)]

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::Duration;

use breaker_runtime::{circuit_breaker, registry};
use tokio::runtime::Builder;

const PATIENCE: Duration = Duration::from_millis(80);

mod limits {
    use std::time::Duration;

    pub const fn twice(duration: Duration) -> Duration {
        duration.saturating_mul(2)
    }
}

#[circuit_breaker(name = "ignored", on_cancel = ignore)]
async fn ignored() -> Option<()> {
    pending().await
}

#[circuit_breaker(name = "failed", on_cancel = failure)]
async fn failed() -> Option<()> {
    pending().await
}

#[circuit_breaker(name = "text-ocoef", on_cancel = failure_after("1m 30s"))]
async fn text(argument: &str) -> Option<usize> {
    pending::<()>().await;
    Some(argument.len())
}

#[circuit_breaker(name = "constant-ocoef", on_cancel = (failure_after(PATIENCE)), fallback = |_| failure_after.len())]
async fn constant(failure_after: &str) -> usize {
    pending::<()>().await;
    failure_after.len()
}

#[circuit_breaker(name = "expression-ocoef", on_cancel = failure_after(limits::twice(PATIENCE)), call_timeout = "2s")]
fn expression(ignore: u8) -> impl Future<Output = Option<u8>> + Send {
    async move {
        pending::<()>().await;
        Some(ignore)
    }
}

#[circuit_breaker(
    name = "boxed-ocoef",
    on_cancel = failure_after(Duration::from_secs(2)),
    key = key,
    max_concurrent = 3
)]
fn boxed<'a>(
    key: &'a str,
) -> Pin<Box<dyn Future<Output = Result<&'a str, Box<dyn std::error::Error>>> + 'a>> {
    Box::pin(async move {
        pending::<()>().await;
        Ok(key)
    })
}

#[circuit_breaker(name = "endless-ocoef", on_cancel = failure_after("80ms"), fallback = panic!("refused"))]
async fn endless() -> ! {
    loop {
        pending::<()>().await;
    }
}

struct Client<T>(T);

impl<T: AsRef<str>> Client<T> {
    const LIMIT: &'static str = "no duration";

    #[circuit_breaker(
        name = "method-ocoef",
        on_cancel = failure_after("1h"),
        fallback_on = rejected,
        fallback = Self::instead
    )]
    async fn method<'a>(&'a self, other: &'a str) -> Result<&'a str, String> {
        pending::<()>().await;
        Ok(if other.is_empty() { self.0.as_ref() } else { other })
    }

    async fn instead<'a>(&'a self, _: &'a str) -> Result<&'a str, String> {
        Ok(Self::LIMIT)
    }
}

fn begin(name: &str, call: impl Future) {
    let mut call = pin!(call);
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(registry().get(name).unwrap().snapshot().in_flight, 1);
}

#[test]
fn it_compiles_and_runs() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    // Some of them have a timer.
    let _entered = runtime.enter();
    begin("ignored", ignored());
    begin("failed", failed());
    begin("text-ocoef", text("argument"));
    begin("constant-ocoef", constant("argument"));
    begin("expression-ocoef", expression(3));
    begin("boxed-ocoef/key", boxed("key"));
    begin("endless-ocoef", endless());
    begin("method-ocoef", Client("text-ocoef").method(""));
}
