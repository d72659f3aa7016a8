use std::time::Duration;

use breaker_runtime::{Rejected, TimedOut, circuit_breaker};

#[derive(Debug)]
struct Fault {
    retry_after: Option<Duration>,
}

impl Fault {
    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self { retry_after: rejected.retry_after() }
    }
}

impl From<TimedOut> for Fault {
    fn from(_: TimedOut) -> Self {
        Self { retry_after: None }
    }
}

fn asks(fault: &Fault) -> Option<Duration> {
    fault.retry_after
}

#[circuit_breaker(name = "by path", open_for = Fault::retry_after)]
fn by_path(up: bool) -> Result<u8, Fault> {
    if up { Ok(1) } else { Err(Fault { retry_after: None }) }
}

#[circuit_breaker(name = "by function", open_for = asks, open_for_max = "1h", fallback = |_| Ok(0))]
fn by_function(up: bool) -> Result<u8, Fault> {
    Ok(u8::from(up))
}

#[circuit_breaker(
    name = "by closure",
    open_for = |fault| fault.retry_after.map(|asked| asked * 2),
    open_for_max = Duration::from_secs(60),
    ignore_if = |fault: &Fault| fault.retry_after.is_none(),
    call_timeout = "1s",
)]
async fn by_closure(up: bool) -> Result<u8, Fault> {
    Ok(u8::from(up))
}

struct Shop;

impl Shop {
    #[circuit_breaker(name = "by method", open_for = Self::asks, failure_if = Result::is_err)]
    fn price<T: Copy>(&self, sku: T) -> Result<T, Fault> {
        Ok(sku)
    }

    fn asks(_: &Fault) -> Option<Duration> {
        Some(Duration::from_secs(3))
    }

    #[circuit_breaker(name = "of a future", open_for = asks)]
    fn later(&self) -> impl Future<Output = Result<u8, Fault>> {
        async { Ok(3) }
    }
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(by_path(true).unwrap() + by_function(true).unwrap(), 2);
    assert_eq!(Shop.price(7).unwrap(), 7);
    drop(by_closure(true));
    drop(Shop.later());
}
