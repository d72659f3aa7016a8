//! How the calls of an annotated function count.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use breaker_runtime::{Calls, Rejected, Snapshot, State, circuit_breaker, registry};

#[derive(Debug, PartialEq)]
enum Fault {
    Refused,
    Down,
    Absent,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

fn snapshot(name: &str) -> Snapshot {
    registry().get(name).expect("the function is annotated").snapshot()
}

fn calls(name: &str) -> Calls {
    snapshot(name).calls
}

fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

type Aliased<T> = Result<T, Fault>;

#[circuit_breaker(name = "outcomes.alias")]
fn aliased(works: bool) -> Aliased<()> {
    if works { Ok(()) } else { Err(Fault::Down) }
}

#[circuit_breaker(name = "outcomes.option")]
fn optional(some: bool) -> Option<()> {
    some.then_some(())
}

#[circuit_breaker(name = "outcomes.generic", fallback = fall_back(), failures = panics)]
fn of_any_type<T>(value: T) -> T {
    value
}

fn fall_back<T>() -> T {
    panic!("the circuit is closed")
}

#[test]
fn err_and_none_are_failures_and_everything_else_is_a_success() {
    let _ = (aliased(true), aliased(false), optional(true), optional(false));
    assert_eq!((calls("outcomes.alias").success, calls("outcomes.alias").failure), (1, 1));
    assert_eq!((calls("outcomes.option").success, calls("outcomes.option").failure), (1, 1));
    assert_eq!(of_any_type(Err::<(), _>(1)), Err(1));
    assert_eq!(calls("outcomes.generic").success, 1, "a type parameter is not looked into");
}

fn is_server_error(status: &Result<u16, Fault>) -> bool {
    matches!(status, Ok(500..) | Err(Fault::Down))
}

#[circuit_breaker(
    name = "outcomes.predicates",
    failure_if = is_server_error,
    ignore_if = |fault| *fault == Fault::Absent
)]
fn status(answer: Result<u16, Fault>) -> Result<u16, Fault> {
    answer
}

#[circuit_breaker(name = "outcomes.async_predicates", failure_if = |value: &u16| *value >= 500, fallback = 0)]
async fn async_status(answer: u16) -> u16 {
    answer
}

#[tokio::test]
async fn failure_if_decides_and_ignore_if_is_asked_first() {
    for answer in [Ok(200), Ok(503), Err(Fault::Down), Err(Fault::Refused), Err(Fault::Absent)] {
        let _ = status(answer);
    }
    let calls = calls("outcomes.predicates");
    assert_eq!((calls.success, calls.failure, calls.ignored), (2, 2, 1));
    assert_eq!(async_status(503).await, 503);
    assert_eq!(snapshot("outcomes.async_predicates").calls.failure, 1);
}

#[circuit_breaker(name = "outcomes.ignored_probe", failure_threshold = 1, half_open_max_calls = 1, cooldown = "1ns", ignore_if = |_| true)]
fn ignored() -> Result<(), Fault> {
    Err(Fault::Absent)
}

#[test]
fn d13_an_ignored_probe_gives_its_slot_back() {
    registry().get("outcomes.ignored_probe").unwrap().trip();
    for _ in 0..3 {
        assert_eq!(ignored(), Err(Fault::Absent));
        assert_eq!(snapshot("outcomes.ignored_probe").state, State::HalfOpen);
    }
}

#[circuit_breaker(name = "outcomes.panics", failure_threshold = 2)]
fn panics() -> Result<(), Fault> {
    panic!("in the body")
}

#[circuit_breaker(name = "outcomes.async_panics", failure_threshold = 2)]
async fn async_panics(wait: bool) -> Result<(), Fault> {
    if wait {
        tokio::task::yield_now().await;
    }
    panic!("in the body")
}

#[tokio::test]
async fn p01_a_panic_in_the_body_is_a_failure_and_goes_on() {
    for _ in 0..2 {
        let payload = catch_unwind(panics).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"in the body"));
    }
    assert_eq!(panics(), Err(Fault::Refused));
    assert_eq!((calls("outcomes.panics").failure, calls("outcomes.panics").panicked), (2, 2));

    assert!(tokio::spawn(async_panics(true)).await.unwrap_err().is_panic());
    assert!(tokio::spawn(async_panics(false)).await.unwrap_err().is_panic());
    assert_eq!(async_panics(true).await, Err(Fault::Refused));
    assert_eq!(calls("outcomes.async_panics").panicked, 2);
}

#[circuit_breaker(name = "outcomes.panicking_predicate", ignore_if = |_| panic!("in the predicate"))]
fn judged() -> Result<(), Fault> {
    Err(Fault::Down)
}

#[circuit_breaker(name = "outcomes.async_panicking_predicate", failure_if = |_| panic!("in the predicate"))]
async fn async_judged() -> Result<(), Fault> {
    tokio::task::yield_now().await;
    Ok(())
}

#[tokio::test]
async fn p02_a_panic_in_a_predicate_is_a_failure_and_goes_on() {
    assert!(catch_unwind(judged).is_err());
    assert!(tokio::spawn(async_judged()).await.unwrap_err().is_panic());
    for name in ["outcomes.panicking_predicate", "outcomes.async_panicking_predicate"] {
        let snapshot = snapshot(name);
        assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (1, 1));
        assert_eq!(snapshot.in_flight, 0);
    }
}

#[circuit_breaker(name = "outcomes.cancelled")]
async fn waits() -> Option<()> {
    pending().await
}

#[circuit_breaker(name = "outcomes.cancelled_is_failure", failure_threshold = 2, on_cancel = failure)]
async fn waits_badly() -> Option<()> {
    pending().await
}

#[circuit_breaker(name = "outcomes.cancelled_future")]
fn waits_in_a_box() -> std::pin::Pin<Box<dyn Future<Output = Option<()>>>> {
    Box::pin(pending())
}

#[test]
fn c01_a_future_that_is_never_polled_takes_nothing() {
    #[circuit_breaker(name = "outcomes.never_polled")]
    async fn never_polled() -> Option<()> {
        None
    }
    drop(never_polled());
    assert_eq!(calls("outcomes.never_polled"), Calls::default());
}

#[test]
fn c02_a_future_dropped_while_it_waits_is_cancelled() {
    for _ in 0..10 {
        assert!(poll_once(waits()).is_pending());
        assert!(poll_once(waits_in_a_box()).is_pending());
    }
    for name in ["outcomes.cancelled", "outcomes.cancelled_future"] {
        let snapshot = snapshot(name);
        assert_eq!((snapshot.calls.started, snapshot.calls.cancelled), (10, 10));
        assert_eq!((snapshot.in_flight, snapshot.state), (0, State::Closed));
    }
}

#[test]
fn with_on_cancel_failure_a_dropped_future_is_a_failure() {
    assert!(poll_once(waits_badly()).is_pending());
    assert!(poll_once(waits_badly()).is_pending());
    let snapshot = snapshot("outcomes.cancelled_is_failure");
    assert_eq!((snapshot.calls.failure, snapshot.calls.cancelled), (2, 0));
    assert_eq!(snapshot.state, State::Open);
}

#[test]
fn a_future_dropped_by_a_panic_elsewhere_is_cancelled_not_failed() {
    #[circuit_breaker(name = "outcomes.bystander")]
    async fn bystander() -> Option<()> {
        pending().await
    }
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut future = pin!(bystander());
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        panic!("of somebody else");
    }));
    assert!(unwound.is_err());
    let calls = calls("outcomes.bystander");
    assert_eq!((calls.cancelled, calls.failure, calls.panicked), (1, 0, 0));
}

#[tokio::test]
async fn c05_the_loser_of_a_select_is_cancelled() {
    #[circuit_breaker(name = "outcomes.loser")]
    async fn loser() -> Option<()> {
        pending().await
    }
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = loser() => unreachable!("it waits for ever"),
            () = std::future::ready(()) => {}
        }
    }
    let snapshot = snapshot("outcomes.loser");
    assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (100, 0));
}

#[tokio::test]
async fn c05_an_aborted_task_is_cancelled() {
    #[circuit_breaker(name = "outcomes.aborted")]
    async fn aborted() -> Option<()> {
        pending().await
    }
    for _ in 0..100 {
        let task = tokio::spawn(aborted());
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    let snapshot = snapshot("outcomes.aborted");
    assert_eq!((snapshot.calls.started, snapshot.calls.cancelled), (100, 100));
}

#[test]
fn c06_a_runtime_that_shuts_down_cancels_its_calls() {
    #[circuit_breaker(name = "outcomes.shut_down")]
    async fn in_flight() -> Option<()> {
        pending().await
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for _ in 0..10 {
            tokio::spawn(in_flight());
        }
        tokio::task::yield_now().await;
    });
    assert_eq!(snapshot("outcomes.shut_down").in_flight, 10);
    drop(runtime);
    let snapshot = snapshot("outcomes.shut_down");
    assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (10, 0));
}

#[circuit_breaker(
    name = "outcomes.slow",
    slow_call = "1ns",
    slow_call_rate = 1.0,
    minimum_calls = 3
)]
fn slow() -> Option<()> {
    std::hint::black_box((0..1000).sum::<u64>());
    Some(())
}

#[test]
fn r05_slow_calls_open_the_circuit_although_they_succeed() {
    while slow().is_some() {}
    let snapshot = snapshot("outcomes.slow");
    assert_eq!((snapshot.state, snapshot.calls.slow, snapshot.calls.failure), (State::Open, 3, 0));
}
