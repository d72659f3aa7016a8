//! Calls whose future is dropped, or that panic.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, OnCancel};
use breaker_tower::CircuitBreakerLayer;
use common::{Down, calls, circuit, ended, poll, remote};
use tower::{Layer, Service, service_fn};

const SECOND: Duration = Duration::from_secs(1);
const FULL: Config = Config::new().max_concurrent(1);

fn cancels(on_cancel: OnCancel, polls: usize, ran: Duration) -> [u64; 4] {
    let (circuit, time) = circuit(FULL);
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).on_cancel(on_cancel);
    let (remote, _arrivals) = remote();
    let mut service = layer.layer(remote);
    let mut call = Box::pin(service.call(1));
    for _ in 0..polls {
        assert!(poll(call.as_mut()).is_pending());
    }
    time.advance(ran);
    drop(call);
    assert_eq!(circuit.snapshot().in_flight, 0);
    let _slot_is_free = circuit.try_acquire().unwrap();
    ended(&circuit)
}

#[test]
fn c01_a_call_that_is_dropped_is_cancelled_polled_or_not() {
    for polls in 0..3 {
        assert_eq!(cancels(OnCancel::Ignore, polls, SECOND), [0, 0, 0, 1], "{polls} polls");
    }
}

#[test]
fn c02_a_call_that_is_dropped_fails_if_on_cancel_says_so() {
    for polls in 0..3 {
        assert_eq!(cancels(OnCancel::Failure, polls, SECOND), [0, 1, 0, 0], "{polls} polls");
    }
}

#[test]
fn r29_a_call_that_is_dropped_late_fails() {
    let failure_after = OnCancel::FailureAfter(SECOND);
    assert_eq!(cancels(failure_after, 1, SECOND), [0, 0, 0, 1]);
    assert_eq!(cancels(failure_after, 1, SECOND + Duration::from_nanos(1)), [0, 1, 0, 0]);
}

#[test]
fn a_dropped_probe_frees_its_slot() {
    let (circuit, time) = circuit(Config::new().half_open_max_calls(1));
    let (remote, _arrivals) = remote();
    let mut service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(remote);
    circuit.trip();
    time.advance(SECOND * 60);
    for _ in 0..3 {
        let mut probe = Box::pin(service.call(1));
        assert!(poll(probe.as_mut()).is_pending());
    }
    assert_eq!((ended(&circuit), circuit.snapshot().rejected.half_open_full), ([0, 0, 0, 3], 0));
}

fn panics(call: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
}

#[track_caller]
fn has_panicked(circuit: &CircuitBreaker) {
    assert_eq!((ended(circuit), calls(circuit).panicked), ([0, 1, 0, 0], 1));
    assert_eq!(circuit.snapshot().in_flight, 0);
}

#[test]
fn r13_a_panic_in_the_inner_service_is_a_failure() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit));
    let mut service = layer.layer(service_fn(|()| -> std::future::Ready<Result<(), Down>> {
        resume_unwind(Box::new("call"))
    }));
    panics(|| drop(service.call(())));
    has_panicked(&circuit);
}

#[test]
fn r13_a_panic_in_the_inner_future_is_a_failure() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).on_cancel(OnCancel::Ignore);
    let mut service = layer.layer(service_fn(|()| async {
        if true {
            resume_unwind(Box::new("poll"));
        }
        Ok::<_, Down>(())
    }));
    let mut call = Box::pin(service.call(()));
    panics(|| drop(poll(call.as_mut())));
    assert_eq!(circuit.snapshot().in_flight, 1, "the future still has it");
    drop(call);
    has_panicked(&circuit);
}

/// A future that panics when it is dropped.
struct Bomb;

impl Future for Bomb {
    type Output = Result<(), Down>;

    fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::task::Poll::Pending
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new("drop"));
    }
}

#[tokio::test(start_paused = true)]
async fn r13_a_call_that_panics_when_it_is_dropped_at_its_limit_has_failed() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).call_timeout(SECOND);
    let mut service = layer.layer(service_fn(|()| Bomb));
    let call = service.call(());
    let joined = tokio::spawn(async move { call.await.is_ok() }).await;
    assert!(joined.unwrap_err().is_panic());
    has_panicked(&circuit);
}

#[test]
fn a_call_keeps_its_slot_until_its_future_is_gone() {
    struct Watches(Arc<CircuitBreaker>);
    impl Drop for Watches {
        fn drop(&mut self) {
            assert_eq!(self.0.snapshot().in_flight, 1);
        }
    }
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit));
    let watched = Arc::clone(&circuit);
    let mut service = layer.layer(service_fn(move |hangs: bool| {
        let witness = Watches(Arc::clone(&watched));
        async move {
            let _witness = witness;
            if hangs {
                std::future::pending::<()>().await;
            }
            Ok::<_, Down>(())
        }
    }));
    assert_eq!(common::ready(service.call(false)), Ok(()));
    let mut call = Box::pin(service.call(true));
    assert!(poll(call.as_mut()).is_pending());
    drop(call);
    assert_eq!(ended(&circuit), [1, 0, 0, 1]);
}
