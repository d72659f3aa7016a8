//! What happens to calls in place of their bodies.

use std::time::Duration;

use breaker_runtime::testing::{self, Fault};
use breaker_runtime::{CallError, State, circuit_breaker};

use super::{PriceError, cached, down, message, price, tenant};
use crate::common::SECOND;

#[circuit_breaker(name = "faults.timed", call_timeout = "2s", failure_threshold = 2)]
async fn timed() -> Result<u32, PriceError> {
    Ok(7)
}

#[circuit_breaker(name = "faults.slow", slow_call = "1s", slow_call_rate = 0.5, minimum_calls = 2)]
fn slow() -> Option<u32> {
    Some(7)
}

#[circuit_breaker(name = "faults.told", fallback = |error| match error {
    CallError::Rejected(_) => "refused".to_owned(),
    CallError::TimedOut(_) => "late".to_owned(),
    CallError::Failed(never) => match never {},
}, failures = panics)]
fn told() -> String {
    "ran".to_owned()
}

#[circuit_breaker(name = "faults.borrows", fallback = |_| Ok(text))]
fn borrows<'a>(text: &'a str) -> Result<&'a str, &'a str> {
    Ok(text)
}

#[circuit_breaker(name = "faults.boxed")]
fn boxed(number: u32) -> std::pin::Pin<Box<dyn Future<Output = Result<u32, PriceError>> + Send>> {
    Box::pin(async move { Ok(number) })
}

#[circuit_breaker(name = "faults.generic", fallback = |_| Ok(value))]
fn generic<T: Clone, E>(value: T, fails: Option<E>) -> Result<T, E> {
    fails.map_or(Ok(value), Err)
}

struct Shop<E>(E);

impl<E: Clone + From<breaker_runtime::Rejected>> Shop<E> {
    #[circuit_breaker(name = "faults.shop")]
    fn sell(&self) -> Result<u32, E> {
        Err(self.0.clone())
    }
}

#[derive(Debug)]
struct IO;

#[circuit_breaker(name = "faults.capitals", fallback = |_| Ok(0))]
fn capitals() -> Result<u32, crate::faults::IO> {
    Ok(7)
}

impl<Failure: Clone + From<breaker_runtime::Rejected> + 'static> Stall<Failure> {
    #[circuit_breaker(name = "faults.stall")]
    fn sell(&self) -> Result<u32, Failure> {
        Err(self.0.clone())
    }
}

struct Stall<Failure>(Failure);

#[test]
fn a_refused_call_says_when_to_come_back_and_the_circuit_stays() {
    let test = testing::isolate();
    test.fault("prices", Fault::refuse().times(1));
    assert_eq!(price("apple"), Err(PriceError::Refused(Some(SECOND * 10))));
    assert_eq!(price("apple"), Ok(99));
    let snapshot = test.circuit("prices").snapshot();
    assert_eq!((snapshot.state, snapshot.rejected.open), (State::Closed, 1));
    assert_eq!(test.events("prices")[0].to_string(), "call rejected: open; retry in 10s");
    test.fault("faults.told", Fault::refuse());
    assert_eq!(told(), "refused");
}

#[test]
fn an_error_is_counted_trips_and_reaches_the_fallback() {
    let test = testing::isolate();
    test.fault("prices", Fault::fail_with(|| Err(PriceError::Down)).times(3));
    assert_eq!(cached("apple"), Ok(1));
    assert_eq!(price("apple"), down());
    assert_eq!(price("apple"), down());
    assert_eq!(test.transitions("prices"), "closed -> open");
    test.close("prices");
    assert_eq!(price("apple"), Ok(99));
}

#[test]
fn an_option_is_none() {
    let test = testing::isolate();
    test.fault("faults.slow", Fault::none().times(1));
    assert_eq!((slow(), slow()), (None, Some(7)));
    assert_eq!(test.circuit("faults.slow").snapshot().calls.failure, 1);
}

#[test]
fn a_fault_refuses_in_every_mode_and_after_every_cooldown() {
    for mode in ["normal", "observe", "disabled", "forced_open"] {
        let test = testing::isolate();
        test.apply(&format!("prices.mode={mode}"));
        test.fault("prices", Fault::refuse());
        assert_eq!(price("apple"), Err(PriceError::Refused(Some(SECOND * 10))), "{mode}");
        assert_eq!(test.circuit("prices").snapshot().rejected.open, 1, "{mode}");
    }
    let test = testing::isolate_with(breaker_runtime::Clock::System);
    test.apply("prices.cooldown=1ns, prices.max_concurrent=1");
    test.fault("prices", Fault::refuse());
    let nanosecond = Duration::from_nanos(1);
    assert_eq!(price("apple"), Err(PriceError::Refused(Some(nanosecond))));
}

#[test]
fn a_panic_is_counted_and_unwinds() {
    let test = testing::isolate();
    test.fault("prices", Fault::panic("the client is broken"));
    assert_eq!(message(|| price("apple")), "the client is broken");
    let calls = test.circuit("prices").snapshot().calls;
    assert_eq!((calls.failure, calls.panicked), (1, 1));
}

#[test]
fn a_delay_moves_the_clock_and_the_body_runs() {
    let test = testing::isolate();
    test.fault("faults.slow", Fault::delay(SECOND * 2));
    assert_eq!((slow(), slow()), (Some(7), Some(7)));
    let snapshot = test.circuit("faults.slow").snapshot();
    assert_eq!((snapshot.calls.slow, snapshot.state), (2, State::Open));
}

#[tokio::test]
async fn a_delay_that_is_too_long_times_out() {
    let test = testing::isolate();
    test.fault("faults.timed", Fault::delay(SECOND * 2).times(1));
    test.fault("faults.timed", Fault::delay(SECOND).times(1));
    assert_eq!(timed().await, Err(PriceError::Late));
    assert_eq!(timed().await, Ok(7));
    let calls = test.circuit("faults.timed").snapshot().calls;
    assert_eq!((calls.timed_out, calls.failure, calls.success), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn on_tokios_clock_a_delay_waits() {
    let test = testing::isolate_with(breaker_runtime::Clock::Tokio);
    test.fault("faults.timed", Fault::delay(SECOND).times(1));
    test.fault("faults.timed", Fault::delay(SECOND * 5).times(1));
    let began = tokio::time::Instant::now();
    assert_eq!(timed().await, Ok(7));
    assert_eq!(began.elapsed(), SECOND);
    assert_eq!(timed().await, Err(PriceError::Late));
    assert_eq!(began.elapsed(), SECOND * 3);
    test.fault("faults.timed", Fault::delay(SECOND));
    assert!(tokio::time::timeout(Duration::from_millis(10), timed()).await.is_err());
    assert_eq!(test.circuit("faults.timed").snapshot().calls.cancelled, 1);
}

#[tokio::test]
async fn async_functions_and_boxed_futures_fail_too() {
    let test = testing::isolate();
    for name in ["faults.timed", "faults.boxed"] {
        test.fault(name, Fault::fail_with(|| Err(PriceError::Down)).times(1));
        test.fault(name, Fault::refuse().times(1));
    }
    assert!(matches!(timed().await, Err(PriceError::Refused(_))));
    assert_eq!((timed().await, timed().await), (down(), Ok(7)));
    assert!(matches!(boxed(3).await, Err(PriceError::Refused(_))));
    assert_eq!((boxed(3).await, boxed(3).await), (down(), Ok(3)));
}

#[test]
fn a_fault_happens_as_often_as_it_should() {
    let test = testing::isolate();
    test.apply("prices.failure_threshold=1000");
    let hits = |fault: Fault| {
        test.clear_faults();
        test.fault("prices", fault);
        (0..100).filter(|_| price("apple").is_err()).count()
    };
    let fault = || Fault::fail_with(|| Err(PriceError::Down));
    assert_eq!(hits(fault()), 100);
    assert_eq!(hits(fault().times(3)), 3);
    assert_eq!(hits(fault().every(2)), 50);
    assert_eq!(hits(fault().every(3).times(5)), 5);
    let some = hits(fault().share(0.1, 7));
    assert!((2..30).contains(&some), "{some}");
    assert_eq!(hits(fault().share(0.1, 7)), some, "the same seed picks the same calls");
    assert_eq!((hits(fault().share(0.0, 7)), hits(fault().share(1.0, 7))), (0, 100));
    test.clear_faults();
    test.fault("prices", fault().every(2));
    assert_eq!([(); 4].map(|()| price("apple").is_ok()), [true, false, true, false]);
}

#[test]
fn a_fault_is_of_one_key_or_of_all() {
    let test = testing::isolate();
    test.fault("tenants/a", Fault::refuse());
    assert!(tenant("a", true).is_err());
    assert_eq!(tenant("b", true), Ok(1));
    test.fault("tenants", Fault::fail_with(|| Err(PriceError::Down)));
    assert_eq!(tenant("b", true), down());
}

#[test]
fn a_fault_is_of_one_test() {
    let _outer = testing::isolate();
    {
        let test = testing::isolate();
        test.fault("prices", Fault::refuse());
        assert!(price("apple").is_err());
    }
    assert_eq!(price("apple"), Ok(99));
}

#[test]
fn a_fault_of_another_type_names_both() {
    let test = testing::isolate();
    test.fault("prices", Fault::fail_with(|| Err("down")).times(1));
    let said = message(|| price("apple"));
    assert!(said.contains("makes a `&str`"), "{said}");
    assert!(said.contains("returns a `testing::PriceError`"), "{said}");

    test.fault("faults.told", Fault::fail_with(|| Err("down")).times(1));
    let said = message(told);
    assert!(said.contains("makes a `&str`") && said.contains("returns no `Result`"), "{said}");

    test.fault("faults.slow", Fault::fail_with(|| Err("down")).times(1));
    let said = message(slow);
    assert!(said.contains("use `Fault::none()`"), "{said}");

    test.fault("prices", Fault::none().times(1));
    let said = message(|| price("apple"));
    assert!(said.contains("returns no `Option`"), "{said}");
}

/// Makes a guarded call when it is dropped.
struct CallsAtTheEnd(testing::Handle);

impl Drop for CallsAtTheEnd {
    fn drop(&mut self) {
        let _entered = self.0.enter();
        assert_eq!(price("apple"), Ok(99));
    }
}

#[test]
fn what_a_fault_captured_may_make_calls_when_the_fault_is_removed() {
    let test = testing::isolate();
    let captured = CallsAtTheEnd(test.handle());
    let fault = move || {
        let _ = &captured;
        Err(PriceError::Down)
    };
    test.fault("prices", Fault::fail_with(fault));
    test.clear_faults();
    assert_eq!(test.circuit("prices").snapshot().calls.success, 1);
}

#[test]
fn functions_whose_error_borrows_or_is_generic_panic_be_delayed_and_refused() {
    let test = testing::isolate();
    for name in ["faults.borrows", "faults.generic", "faults.shop"] {
        test.fault(name, Fault::fail_with(|| Err("down")).times(1));
    }
    let shop = Shop(PriceError::Down);
    for said in [
        message(|| borrows("text")),
        message(|| generic(1, None::<String>)),
        message(|| shop.sell()),
    ] {
        assert!(said.contains("borrows or is generic"), "{said}");
    }
    test.fault("faults.borrows", Fault::refuse());
    assert_eq!(borrows("text"), Ok("text"));
    test.fault("faults.shop", Fault::refuse());
    assert!(matches!(shop.sell(), Err(PriceError::Refused(_))));
}

#[test]
fn a_path_to_a_type_in_capitals_and_a_parameter_that_borrows_nothing_have_faults() {
    let test = testing::isolate();
    test.fault("faults.capitals", Fault::fail_with(|| Err(IO)).times(1));
    test.fault("faults.stall", Fault::fail_with(|| Err(PriceError::Late)));
    assert_eq!((capitals().ok(), capitals().ok()), (Some(0), Some(7)));
    assert_eq!(Stall(PriceError::Down).sell(), Err(PriceError::Late));
}

#[test]
fn a_fault_that_cannot_be_is_refused() {
    assert!(message(|| Fault::refuse().every(0)).contains("at least 1"));
    assert!(message(|| Fault::refuse().share(10.0, 1)).contains("write `0.1`"));
}
