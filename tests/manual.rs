//! Calls by hand: what the attribute's options for functions do, on a circuit without a function (DESIGN 4, 4.5).

mod common;

use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    CallError, Calls, CircuitBreaker, Clock, Config, Guard, Layer, ManualClock, OnCancel, Registry,
    RejectedReason, Statement, registry, testing,
};
use common::{SECOND, panic_quietly};
use tokio::time::Instant;

fn circuit(config: Config) -> CircuitBreaker {
    CircuitBreaker::new("by hand", config).unwrap()
}

/// One with room for one call, and time to wait for it.
fn narrow() -> CircuitBreaker {
    circuit(Config::new().max_concurrent(1).max_wait(SECOND))
}

fn calls(circuit: &CircuitBreaker) -> Calls {
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.in_flight, 0);
    snapshot.calls
}

/// Polls once.
fn polled<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

type Answer = Result<u16, &'static str>;

/// A guard with an opinion on everything.
fn opinionated(
    circuit: &CircuitBreaker,
) -> Guard<
    '_,
    u16,
    &'static str,
    impl FnOnce(&Answer) -> bool + use<>,
    impl FnOnce(&&'static str) -> bool + use<>,
> {
    circuit
        .guard()
        .failure_if(|answer: &Answer| !matches!(answer, Ok(..500) | Err("no such page")))
        .ignore_if(|error| *error == "no such host")
}

#[test]
fn failure_if_looks_at_the_whole_result_and_ignore_if_is_asked_first() {
    for (answer, success, failure, ignored) in [
        (Ok(200), 1, 0, 0),
        (Ok(503), 0, 1, 0),
        (Err("no such page"), 1, 0, 0),
        (Err("no such host"), 0, 0, 1),
        (Err("down"), 0, 1, 0),
    ] {
        let circuit = circuit(Config::new());
        let got = opinionated(&circuit).call(|| answer);
        assert_eq!(
            got,
            answer.map_err(CallError::Failed),
            "the caller gets what the call returned"
        );
        let sync = calls(&circuit);
        assert_eq!(
            (sync.success, sync.failure, sync.ignored),
            (success, failure, ignored),
            "{answer:?}"
        );

        let got = polled(opinionated(&circuit).call_async(|| ready(answer)));
        assert_eq!(got, Poll::Ready(answer.map_err(CallError::Failed)));
        let both = calls(&circuit);
        assert_eq!(
            (both.success, both.failure, both.ignored),
            (success * 2, failure * 2, ignored * 2)
        );
    }
}

#[test]
fn without_options_an_error_is_a_failure() {
    let circuit = circuit(Config::new());
    assert_eq!(circuit.guard().call(|| Ok::<_, ()>(1)), Ok(1));
    assert_eq!(circuit.guard().call(|| Err::<(), _>("down")), Err(CallError::Failed("down")));
    assert_eq!((calls(&circuit).success, calls(&circuit).failure), (1, 1));
}

#[test]
fn a_refused_guard_does_not_call() {
    let circuit = circuit(Config::new());
    circuit.force_open();
    let refused = circuit.guard().call(|| -> Answer { unreachable!("refused") });
    assert!(refused.unwrap_err().is_rejected());
    let refused =
        circuit.guard().call_async(|| -> std::future::Ready<Answer> { unreachable!("refused") });
    assert!(matches!(polled(refused), Poll::Ready(Err(CallError::Rejected(_)))));
}

#[test]
fn before_its_first_poll_a_call_has_not_begun() {
    let circuit = circuit(Config::new());
    drop(
        circuit.guard().call_async(|| -> std::future::Ready<Answer> { unreachable!("not polled") }),
    );
    drop(circuit.acquire());
    assert_eq!(calls(&circuit).started, 0);
}

#[test]
fn r13_a_panic_in_a_predicate_is_a_failure() {
    let circuit = circuit(Config::new());
    let ends = |call: &dyn Fn()| {
        catch_unwind(AssertUnwindSafe(call)).expect_err("it panics");
        assert_eq!(calls(&circuit).failure, calls(&circuit).started);
    };
    let is_failure = |_: &Answer| -> bool { panic_quietly("is it?") };
    let is_ignored = |_: &&'static str| -> bool { panic_quietly("is it?") };
    ends(&|| drop(circuit.guard().failure_if(is_failure).call(|| Ok(1))));
    ends(&|| drop(circuit.guard::<u16, _>().ignore_if(is_ignored).call(|| Err("down"))));
    ends(&|| drop(polled(circuit.guard().failure_if(is_failure).call_async(|| ready(Ok(1))))));
    ends(&|| {
        drop(polled(
            circuit.guard::<u16, _>().ignore_if(is_ignored).call_async(|| ready(Err("down"))),
        ));
    });
    let calls = calls(&circuit);
    assert_eq!((calls.started, calls.panicked, calls.success, calls.ignored), (4, 4, 0, 0));
}

#[test]
fn r28_open_for_asks_the_error_of_a_failure_and_of_nothing_else() {
    let circuit = circuit(Config::new().failure_threshold(9));
    let asked = |answer: Answer| {
        let guard = opinionated(&circuit).open_for(|error| (*error == "busy").then_some(SECOND));
        drop(guard.call(|| answer));
        let left = circuit.snapshot().retry_after;
        circuit.reset();
        left
    };
    assert_eq!(asked(Err("busy")).map(|left| left > SECOND / 2), Some(true));
    for answer in [Err("down"), Err("no such host"), Err("no such page"), Ok(503), Ok(200)] {
        assert_eq!(asked(answer), None, "{answer:?}");
    }
    let never = |_: &&'static str| -> Option<Duration> { unreachable!("it is no failure") };
    drop(opinionated(&circuit).open_for(never).call(|| Err("no such page")));
}

#[tokio::test(start_paused = true)]
async fn r28_a_call_with_a_limit_may_ask_too() {
    let circuit = circuit(Config::new().failure_threshold(9));
    let guard = || circuit.guard::<u16, _>().open_for(|_| Some(SECOND * 90)).call_timeout(SECOND);
    guard().call_async(pending::<Result<u16, &str>>).await.unwrap_err();
    assert_eq!(circuit.snapshot().retry_after, None, "a timeout has no error to ask");
    guard().call_async(|| ready(Err("busy"))).await.unwrap_err();
    assert!(circuit.snapshot().retry_after.is_some());
}

#[test]
fn r28_an_async_call_may_ask_too() {
    let circuit = circuit(Config::new());
    let guard = circuit.guard::<u16, _>().open_for(|_| Some(SECOND * 90));
    drop(polled(guard.call_async(|| ready(Err("busy")))));
    let reason = circuit.snapshot().trip_reason.map(|reason| reason.to_string());
    assert_eq!(reason.as_deref(), Some("a failure asked for 1m 30s"));
}

#[test]
fn r13_a_panic_in_open_for_is_a_failure() {
    let circuit = circuit(Config::new());
    let asks = |_: &&'static str| -> Option<Duration> { panic_quietly("how long?") };
    let call = || circuit.guard::<u16, _>().open_for(asks).call(|| Err("busy"));
    catch_unwind(AssertUnwindSafe(call)).expect_err("it panics");
    assert_eq!((calls(&circuit).failure, calls(&circuit).panicked), (1, 1));
}

#[test]
fn r20_a_predicate_may_use_the_circuit() {
    let circuit = circuit(Config::new());
    let is_failure = |answer: &Answer| {
        circuit.guard().call(|| Ok::<_, ()>(())).unwrap();
        circuit.reset();
        circuit.snapshot().calls.started == 2 && answer.is_err()
    };
    assert!(circuit.guard().failure_if(is_failure).call(|| Err("down")).is_err());
    assert_eq!((calls(&circuit).failure, calls(&circuit).late), (1, 1));
}

#[test]
fn r29_a_dropped_future_counts_as_on_cancel_says() {
    use OnCancel::{Failure, FailureAfter, Ignore};
    for (on_cancel, ran, failure) in [
        (Ignore, SECOND * 9, 0),
        (Failure, Duration::ZERO, 1),
        (FailureAfter(SECOND), SECOND, 0),
        (FailureAfter(SECOND), SECOND * 2, 1),
    ] {
        let time = ManualClock::new();
        let circuit =
            CircuitBreaker::with_clock("by hand", Config::new(), Clock::Manual(time.clone()))
                .unwrap();
        {
            let mut call = pin!(circuit.guard().on_cancel(on_cancel).call_async(pending::<Answer>));
            assert!(polled(call.as_mut()).is_pending());
            time.advance(ran);
        }
        let calls = calls(&circuit);
        assert_eq!(
            (calls.failure, calls.cancelled),
            (failure, 1 - failure),
            "{on_cancel} after {ran:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_dropped_and_is_a_failure() {
    let (circuit, began) = (circuit(Config::new()), Instant::now());
    let guard = circuit.guard().call_timeout(SECOND * 2).failure_if(|_: &Answer| false);
    let Err(CallError::TimedOut(late)) = guard.call_async(pending).await else {
        panic!("it is late")
    };
    assert_eq!((began.elapsed(), late.after()), (SECOND * 2, SECOND * 2));

    let in_time = circuit.guard().call_timeout(SECOND * 2);
    let answer = in_time.call_async(|| async {
        tokio::time::sleep(SECOND).await;
        Ok::<_, ()>(7)
    });
    assert_eq!(answer.await, Ok(7));
    let calls = calls(&circuit);
    assert_eq!((calls.failure, calls.timed_out, calls.success), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn r13_a_future_that_panics_when_its_time_is_up_has_failed() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic_quietly("not so fast");
        }
    }
    let circuit = Arc::new(circuit(Config::new()));
    let own = Arc::clone(&circuit);
    let call = tokio::spawn(async move {
        let guard = own.guard().call_timeout(SECOND);
        guard
            .call_async(|| async {
                let _panics = Panics;
                pending::<Answer>().await
            })
            .await
    });
    assert!(call.await.unwrap_err().is_panic());
    let calls = calls(&circuit);
    assert_eq!((calls.failure, calls.panicked, calls.cancelled), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_limit_from_outside_holds_for_guards_that_state_one() {
    let own = Registry::new();
    let circuit = own.circuit("quotes", Config::new()).unwrap();
    let state = |value: &str| {
        own.apply(Layer::File, vec![Statement::new("quotes", "call_timeout", value, "here")])
            .unwrap();
    };
    let after = async |limit: Duration| {
        let call = circuit.guard().call_timeout(limit).call_async(pending::<Answer>);
        match tokio::time::timeout(SECOND * 100, call).await {
            Ok(Err(CallError::TimedOut(late))) => Some(late.after()),
            _ => None,
        }
    };
    state("3s");
    assert_eq!(after(SECOND * 60).await, Some(SECOND * 3));
    state("off");
    assert_eq!(after(SECOND * 2).await, None);
    state("3s");
    let without = circuit.guard().call_async(pending::<Answer>);
    assert!(tokio::time::timeout(SECOND * 100, without).await.is_err());
}

#[test]
fn in_an_isolated_test_limits_and_waits_follow_its_clock() {
    let test = testing::isolate();
    let config = Config::new().max_concurrent(1).max_wait(SECOND * 5);
    let circuit = registry().circuit("quotes", config).unwrap();
    let mut call = pin!(circuit.guard().call_timeout(SECOND * 2).call_async(pending::<Answer>));
    assert!(polled(call.as_mut()).is_pending());
    let mut waits = pin!(circuit.acquire());
    assert!(polled(waits.as_mut()).is_pending());
    test.advance(SECOND * 2);
    assert!(matches!(polled(call.as_mut()), Poll::Ready(Err(CallError::TimedOut(_)))));
    let Poll::Ready(Ok(held)) = polled(waits.as_mut()) else { panic!("the slot is free") };

    let mut waits = pin!(circuit.acquire());
    assert!(polled(waits.as_mut()).is_pending());
    test.advance(SECOND * 5);
    let Poll::Ready(Err(refused)) = polled(waits.as_mut()) else { panic!("it waited long enough") };
    assert_eq!(refused.reason(), RejectedReason::BulkheadFull);
    held.success();
}

#[tokio::test(start_paused = true)]
async fn acquire_waits_for_a_slot_and_no_longer_than_it_may() {
    let circuit = narrow();
    let held = circuit.acquire().await.unwrap();
    let began = Instant::now();
    let refused = circuit.acquire().await.unwrap_err();
    assert_eq!((refused.reason(), began.elapsed()), (RejectedReason::BulkheadFull, SECOND));
    let (waited, ()) = tokio::join!(circuit.acquire(), async { held.success() });
    waited.unwrap().success();
    assert_eq!(calls(&circuit).success, 2);
}

#[tokio::test]
async fn acquire_is_refused_by_the_state_before_it_waits_and_after_it() {
    let circuit = narrow();
    let held = circuit.acquire().await.unwrap();
    let mut waits = pin!(circuit.acquire());
    assert!(polled(waits.as_mut()).is_pending());
    circuit.force_open();
    assert_eq!(circuit.acquire().await.unwrap_err().reason(), RejectedReason::ForcedOpen);
    assert_eq!(circuit.acquire_blocking().unwrap_err().reason(), RejectedReason::ForcedOpen);
    held.success();
    assert_eq!(waits.await.unwrap_err().reason(), RejectedReason::ForcedOpen);
}

#[tokio::test]
async fn a_cancelled_acquire_never_started_and_leaves_its_slot_to_the_next() {
    let circuit = narrow();
    let held = circuit.acquire().await.unwrap();
    let mut next = pin!(circuit.acquire());
    {
        let mut cancelled = pin!(circuit.acquire());
        assert!(polled(cancelled.as_mut()).is_pending() && polled(next.as_mut()).is_pending());
        held.success();
    }
    next.await.unwrap().success();
    assert_eq!((calls(&circuit).started, calls(&circuit).cancelled), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_not_time_of_the_call() {
    let circuit = circuit(Config::new().max_concurrent(1).max_wait(SECOND * 60).slow_call(SECOND));
    let held = circuit.acquire().await.unwrap();
    let (waited, ()) = tokio::join!(circuit.acquire(), async {
        tokio::time::sleep(SECOND * 30).await;
        held.success();
    });
    waited.unwrap().success();
    assert_eq!(calls(&circuit).slow, 1, "only the one that held the slot");
}

#[test]
fn acquire_blocking_waits_for_the_slot() {
    let circuit = circuit(Config::new().max_concurrent(1).max_wait(SECOND * 60));
    let held = circuit.acquire_blocking().unwrap();
    let (asks, asked) = mpsc::channel();
    thread::scope(|scope| {
        let circuit = &circuit;
        let waits = scope.spawn(move || {
            asks.send(()).unwrap();
            circuit.acquire_blocking().map(breaker_runtime::Permit::success)
        });
        asked.recv().unwrap();
        held.success();
        assert_eq!(waits.join().unwrap(), Ok(()));
    });
    assert_eq!(calls(&circuit).success, 2);
}

#[tokio::test]
async fn r13_a_panic_that_drops_an_acquired_permit_is_a_failure_and_a_bare_drop_is_none() {
    let circuit = Arc::new(circuit(Config::new()));
    drop((circuit.acquire().await.unwrap(), circuit.acquire_blocking().unwrap()));
    drop(circuit.acquire_owned().await.unwrap());
    assert_eq!((calls(&circuit).cancelled, calls(&circuit).failure), (3, 0));
    for kind in 0..3 {
        let own = Arc::clone(&circuit);
        let panics = tokio::spawn(async move {
            let _permits = match kind {
                0 => (Some(own.acquire().await), None),
                1 => (Some(own.acquire_blocking()), None),
                _ => (None, Some(own.acquire_owned().await)),
            };
            panic_quietly("in the middle");
        });
        assert!(panics.await.unwrap_err().is_panic());
    }
    assert_eq!((calls(&circuit).cancelled, calls(&circuit).failure), (3, 3));
}

#[tokio::test]
async fn an_owned_permit_settles_in_another_task() {
    let circuit = Arc::new(narrow());
    let permit = circuit.acquire_owned().await.unwrap();
    tokio::spawn(async move { permit.failure() }).await.unwrap();
    assert_eq!(calls(&circuit).failure, 1);
}

#[test]
fn futures_by_hand_are_send_and_so_is_a_guard() {
    fn is_send<T: Send>(_: &T) {}
    let circuit = Arc::new(circuit(Config::new()));
    is_send(&circuit.guard::<u16, &str>());
    is_send(&opinionated(&circuit).call_async(pending));
    is_send(&opinionated(&circuit).call_timeout(SECOND).call_async(pending));
    is_send(&circuit.acquire());
    is_send(&circuit.acquire_owned());
}

#[test]
fn a_guard_works_for_the_circuit_of_a_key() {
    let own = Registry::new();
    let hosts = own.keyed("http", Config::new().failure_threshold(1), 9).unwrap();
    let call = |host: &str, answer: Answer| opinionated(&hosts.get(host)).call(|| answer);
    assert!(call("alpha", Ok(503)).is_ok() && call("beta", Ok(200)).is_ok());
    let Err(CallError::Rejected(refused)) = call("alpha", Ok(200)) else { panic!("it is open") };
    assert_eq!(refused.name(), "http/alpha");
    assert_eq!(call("beta", Ok(200)), Ok(200));
}
