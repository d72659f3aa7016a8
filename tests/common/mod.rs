//! What several test files need.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::any::Any;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, Snapshot};

pub(crate) const NANO: Duration = Duration::from_nanos(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const COOLDOWN: Duration = Duration::from_secs(60);

/// A closed circuit, and the clock it goes by.
#[track_caller]
pub(crate) fn circuit(config: Config) -> (CircuitBreaker, ManualClock) {
    let time = ManualClock::new();
    let clock = Clock::Manual(time.clone());
    let circuit = CircuitBreaker::with_clock("circuit", config, clock).expect("a valid config");
    (circuit, time)
}

/// An open circuit whose next call is a probe.
#[track_caller]
pub(crate) fn due(config: Config) -> (CircuitBreaker, ManualClock) {
    let (circuit, time) = circuit(config);
    circuit.trip();
    pass_cooldown(&circuit, &time);
    (circuit, time)
}

#[track_caller]
pub(crate) fn pass_cooldown(circuit: &CircuitBreaker, time: &ManualClock) {
    time.advance(circuit.snapshot().retry_after.expect("open, and not until reset"));
}

#[track_caller]
pub(crate) fn succeed(circuit: &CircuitBreaker, times: usize) {
    for _ in 0..times {
        circuit.try_acquire().expect("the call is let in").success();
    }
}

#[track_caller]
pub(crate) fn fail(circuit: &CircuitBreaker, times: usize) {
    for _ in 0..times {
        circuit.try_acquire().expect("the call is let in").failure();
    }
}

/// R19 of a circuit that was asked for that many calls.
#[track_caller]
pub(crate) fn assert_balanced(snapshot: &Snapshot, asked: u64) {
    let calls = snapshot.calls;
    let ended = calls.success + calls.failure + calls.ignored + calls.cancelled;
    assert_eq!(calls.started, ended + snapshot.in_flight, "{snapshot:?}");
    assert_eq!(asked, calls.started + snapshot.rejected.total(), "{snapshot:?}");
}

pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A panic that prints nothing.
pub(crate) fn panic_quietly(payload: &'static str) -> ! {
    panic::resume_unwind(Box::new(payload))
}

/// What `act` panicked with.
#[track_caller]
pub(crate) fn caught<R>(act: impl FnOnce() -> R) -> Box<dyn Any + Send> {
    match panic::catch_unwind(AssertUnwindSafe(act)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => payload,
    }
}
