//! Calls that take longer than `call_timeout`, on tokio's clock, which stands still here unless it is moved.

mod common;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use breaker_runtime::{CallError, Rejected, Snapshot, State, TimedOut, circuit_breaker, registry};
use common::panic_quietly;
use tokio::time::{Instant, sleep};

#[derive(Debug, PartialEq)]
enum Fault {
    Refused,
    Late(Duration),
    Down,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

impl From<TimedOut> for Fault {
    fn from(timed_out: TimedOut) -> Self {
        Self::Late(timed_out.after())
    }
}

fn snapshot(name: &str) -> Snapshot {
    registry().get(name).expect("the function is annotated").snapshot()
}

#[circuit_breaker(name = "timeouts.plain", failure_threshold = 2, call_timeout = "2s")]
async fn takes(time: Duration) -> Result<u8, Fault> {
    sleep(time).await;
    Ok(1)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_given_up_at_its_deadline_and_is_a_failure() {
    let began = Instant::now();
    assert_eq!(takes(Duration::from_millis(1999)).await, Ok(1));
    assert_eq!(takes(Duration::from_secs(3600)).await, Err(Fault::Late(Duration::from_secs(2))));
    assert_eq!(began.elapsed(), Duration::from_millis(3999));
    assert_eq!(takes(Duration::MAX).await, Err(Fault::Late(Duration::from_secs(2))));
    assert_eq!(takes(Duration::ZERO).await, Err(Fault::Refused));

    let snapshot = snapshot("timeouts.plain");
    assert_eq!((snapshot.calls.failure, snapshot.calls.timed_out), (2, 2));
    assert_eq!((snapshot.state, snapshot.in_flight), (State::Open, 0));
}

#[circuit_breaker(name = "timeouts.drops_body", call_timeout = "1s")]
async fn holds(dropped: Arc<AtomicBool>) -> Option<()> {
    struct Tells(Arc<AtomicBool>);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let _tells = Tells(dropped);
    pending().await
}

#[tokio::test(start_paused = true)]
async fn the_body_is_dropped_and_an_option_is_none() {
    let dropped = Arc::new(AtomicBool::new(false));
    assert_eq!(holds(Arc::clone(&dropped)).await, None);
    assert!(dropped.load(Ordering::SeqCst));
}

#[circuit_breaker(name = "timeouts.drop_panics", call_timeout = "1s")]
async fn cannot_be_dropped() -> Option<()> {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic_quietly("not so fast");
        }
    }
    let _panics = Panics;
    pending().await
}

#[tokio::test(start_paused = true)]
async fn r13_a_body_that_panics_when_its_time_is_up_has_failed() {
    let call = tokio::spawn(cannot_be_dropped()).await;
    assert_eq!(call.unwrap_err().into_panic().downcast_ref(), Some(&"not so fast"));
    let snapshot = snapshot("timeouts.drop_panics");
    assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (1, 1));
    assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (0, 0));
}

const LIMIT: Duration = Duration::from_millis(50);

#[circuit_breaker(name = "timeouts.fallback", call_timeout = LIMIT, fallback = |error| match error {
    CallError::TimedOut(late) => Ok(late.to_string()),
    other => Err(other.to_string()),
})]
async fn answered(key: String, fails: bool) -> Result<String, String> {
    if fails {
        return Err(key);
    }
    pending().await
}

#[circuit_breaker(name = "timeouts.plain_value", call_timeout = "1s", fallback = text.len())]
async fn cannot_fail(text: String) -> usize {
    pending::<()>().await;
    text.len() * 10
}

#[circuit_breaker(name = "timeouts.boxed", call_timeout = "1s", fallback = |_| Ok(7))]
fn boxed() -> std::pin::Pin<Box<dyn Future<Output = Result<u8, String>> + Send>> {
    Box::pin(pending())
}

#[circuit_breaker(name = "timeouts.rejected", call_timeout = "1s", fallback = Ok(7), fallback_on = rejected)]
async fn only_rejected() -> Result<u8, Fault> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn a_fallback_answers_timeouts_unless_it_answers_refusals_only() {
    let late = answered("key".into(), false).await.unwrap();
    assert_eq!(late, r#"call through circuit "timeouts.fallback" timed out after 50ms"#);
    assert_eq!(answered("key".into(), true).await, Err("key".into()));
    assert_eq!(cannot_fail("tea".into()).await, 3);
    assert_eq!(boxed().await, Ok(7));
    assert_eq!(only_rejected().await, Err(Fault::Late(Duration::from_secs(1))));
}

#[circuit_breaker(
    name = "timeouts.probe",
    call_timeout = "1s",
    cooldown = "1ns",
    half_open_max_calls = 1,
    half_open_failure_threshold = 2
)]
async fn probe(fails: bool) -> Result<(), Fault> {
    if fails { Err(Fault::Down) } else { pending().await }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_times_out_gives_its_slot_back_and_has_failed() {
    registry().get("timeouts.probe").unwrap().trip();
    tokio::time::advance(Duration::from_nanos(1)).await;
    assert_eq!(probe(false).await, Err(Fault::Late(Duration::from_secs(1))));
    let half_open = snapshot("timeouts.probe");
    assert_eq!((half_open.state, half_open.probes.failures), (State::HalfOpen, 1));
    assert_eq!(probe(true).await, Err(Fault::Down));
    assert_eq!(snapshot("timeouts.probe").state, State::Open);
}

#[circuit_breaker(name = "timeouts.cancelled", call_timeout = "1s", on_cancel = failure)]
async fn cancelled() -> Option<()> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn a_call_that_somebody_else_gives_up_first_is_cancelled_not_timed_out() {
    assert!(tokio::time::timeout(LIMIT, cancelled()).await.is_err());
    let calls = snapshot("timeouts.cancelled").calls;
    assert_eq!((calls.failure, calls.timed_out, calls.started), (1, 0, 1));
}

#[circuit_breaker(
    name = "timeouts.paused",
    failure_threshold = 1,
    cooldown = "1h",
    success_threshold = 1
)]
async fn paused(works: bool) -> Result<(), Fault> {
    if works { Ok(()) } else { Err(Fault::Down) }
}

#[tokio::test(start_paused = true)]
async fn k06_under_test_util_a_circuit_follows_paused_time() {
    assert_eq!(paused(false).await, Err(Fault::Down));
    tokio::time::advance(Duration::from_secs(3599)).await;
    assert_eq!(paused(true).await, Err(Fault::Refused));
    assert_eq!(snapshot("timeouts.paused").retry_after, Some(Duration::from_secs(1)));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(paused(true).await, Ok(()));
    assert_eq!(snapshot("timeouts.paused").state, State::Closed);
}
