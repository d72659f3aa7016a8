//! A panic is a failure that goes on unwinding. It poisons nothing and never becomes two.

mod common;

use std::panic;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use breaker_runtime::{CallError, Config, State};
use common::{assert_balanced, caught, circuit, due, panic_quietly, poll, succeed};

/// Does something when it is dropped, be it by a panic.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn boom<T>() -> Result<T, ()> {
    panic_quietly("boom")
}

#[test]
fn p01_a_panic_in_the_body_reaches_the_caller_as_it_was() {
    let (circuit, _) = circuit(Config::new());
    let payload =
        caught(|| circuit.call(|| -> Result<(), ()> { panic::resume_unwind(Box::new(42_u8)) }));
    assert_eq!(payload.downcast_ref(), Some(&42_u8));

    let payload = caught(|| poll(pin!(circuit.call_async(|| async { boom::<()>() }))));
    assert_eq!(payload.downcast_ref(), Some(&"boom"));
}

#[test]
fn d11_a_panic_in_a_closed_circuit_is_a_failure() {
    let (circuit, _) = circuit(Config::new().failure_threshold(2));
    caught(|| circuit.call(boom::<()>));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (1, 1));
    assert_eq!((snapshot.consecutive_failures, snapshot.window_calls), (1, 1));
    assert_eq!(snapshot.in_flight, 0);
    caught(|| circuit.call(boom::<()>));
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn d11_a_panic_in_a_future_is_a_failure_whichever_poll_it_comes_in() {
    for pending in [0, 1, 2] {
        let (circuit, _) = circuit(Config::new());
        let mut call = Box::pin(circuit.call_async(|| async move {
            for _ in 0..pending {
                tokio::task::yield_now().await;
            }
            boom::<()>()
        }));
        for _ in 0..pending {
            assert!(poll(call.as_mut()).is_pending());
        }
        caught(|| poll(call.as_mut()));
        drop(call);
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (1, 1));
        assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (0, 0));
    }
}

#[test]
fn d11_a_panic_while_the_future_is_made_is_a_failure() {
    let (circuit, _) = circuit(Config::new());
    caught(|| {
        let make = || -> std::future::Ready<Result<(), ()>> { panic_quietly("boom") };
        poll(pin!(circuit.call_async(make)))
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (1, 1));
}

#[test]
fn d12_a_panic_in_a_probe_opens_again_and_frees_its_slot() {
    let (circuit, time) = due(Config::new().half_open_max_calls(1).success_threshold(1));
    caught(|| circuit.call(boom::<()>));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.probes.in_flight), (State::Open, 0));
    assert_eq!(snapshot.probes.failures, 1);
    common::pass_cooldown(&circuit, &time);
    succeed(&circuit, 1);
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn r13_a_bare_permit_dropped_by_a_panic_is_a_failure() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    caught(|| {
        let _permit = circuit.try_acquire().unwrap();
        boom::<()>()
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (1, 1));
    assert_eq!((snapshot.state, snapshot.in_flight), (State::Open, 0));
}

#[test]
fn r13_a_permit_settled_before_the_panic_keeps_its_outcome() {
    let (circuit, _) = circuit(Config::new());
    caught(|| {
        circuit.try_acquire().unwrap().success();
        boom::<()>()
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.success, snapshot.calls.failure), (1, 0));
    assert_eq!(snapshot.calls.panicked, 0);
}

#[test]
fn r13_a_permit_dropped_after_a_panic_was_caught_is_cancelled() {
    let (circuit, _) = circuit(Config::new());
    let permit = circuit.try_acquire().unwrap();
    caught(boom::<()>);
    drop(permit);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.cancelled, snapshot.calls.panicked), (1, 0));
}

#[test]
fn p08_a_permit_taken_and_dropped_during_a_panic_is_cancelled() {
    let (circuit, _) = circuit(Config::new());
    caught(|| {
        let _cleanup = OnDrop(|| drop(circuit.try_acquire().unwrap()));
        boom::<()>()
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.cancelled, snapshot.calls.failure), (1, 0));
    assert_eq!((snapshot.calls.panicked, snapshot.in_flight), (0, 0));
}

#[test]
fn p08_a_call_made_during_a_panic_is_judged_by_its_own_result() {
    let (circuit, _) = circuit(Config::new());
    caught(|| {
        let _cleanup = OnDrop(|| {
            assert_eq!(circuit.call(|| Ok::<_, ()>(1)), Ok(1));
            assert_eq!(circuit.call(|| Err::<(), _>(2)), Err(CallError::Failed(2)));
        });
        boom::<()>()
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.success, snapshot.calls.failure), (1, 1));
    assert_eq!(snapshot.calls.panicked, 0);
}

#[test]
fn p08_a_body_that_panics_during_a_panic_is_a_failure_all_the_same() {
    let (circuit, _) = circuit(Config::new());
    let payload = caught(|| {
        let _cleanup = OnDrop(|| drop(caught(|| circuit.call(|| -> Result<(), ()> { boom() }))));
        panic_quietly("the first")
    });
    assert_eq!(payload.downcast_ref(), Some(&"the first"));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (1, 1));
}

#[test]
fn p08_a_suspended_call_that_a_panic_elsewhere_drops_is_cancelled() {
    let (circuit, _) = circuit(Config::new());
    caught(|| {
        let hang = std::future::pending::<Result<(), ()>>;
        let mut call = Box::pin(circuit.call_async(hang));
        assert!(poll(call.as_mut()).is_pending());
        boom::<()>()
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.cancelled, snapshot.calls.failure), (1, 0));
}

#[test]
fn p05_a_body_whose_locals_panic_when_they_are_dropped_is_one_failure() {
    let (circuit, _) = circuit(Config::new());
    let payload = caught(|| {
        circuit.call(|| {
            let _bomb = OnDrop(|| panic_quietly("bomb"));
            Ok::<_, ()>(1)
        })
    });
    assert_eq!(payload.downcast_ref(), Some(&"bomb"));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.failure, snapshot.calls.success), (1, 0));
    assert_balanced(&snapshot, 1);
}

#[test]
fn p05_an_error_that_panics_when_it_is_dropped_is_the_callers_and_was_recorded_before() {
    let (circuit, _) = circuit(Config::new());
    let error = circuit.call(|| Err::<(), _>(OnDrop(|| panic_quietly("bomb"))));
    assert_eq!(circuit.snapshot().calls.failure, 1);
    caught(|| drop(error));
    assert_balanced(&circuit.snapshot(), 1);
    assert_eq!(circuit.snapshot().calls.panicked, 0);
}

#[test]
fn p05_a_future_that_panics_when_it_is_cancelled_is_cancelled_once() {
    let (circuit, _) = circuit(Config::new());
    let mut call = Box::pin(circuit.call_async(|| async {
        let _bomb = OnDrop(|| panic_quietly("bomb"));
        std::future::pending::<Result<(), ()>>().await
    }));
    assert!(poll(call.as_mut()).is_pending());
    caught(|| drop(call));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (1, 0));
    assert_balanced(&snapshot, 1);
}

#[test]
fn p05_a_future_that_is_done_and_panics_when_it_is_dropped_is_a_failure() {
    struct Bomb {
        _on_drop: OnDrop<fn()>,
    }
    impl Future for Bomb {
        type Output = Result<(), ()>;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(Ok(()))
        }
    }
    let (circuit, _) = circuit(Config::new());
    let make = || Bomb { _on_drop: OnDrop(|| panic_quietly("bomb")) };
    caught(|| poll(pin!(circuit.call_async(make))));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (1, 1));
    assert_balanced(&snapshot, 1);
}

#[test]
fn p07_panics_on_many_threads_poison_nothing() {
    let circuit = Arc::new(circuit(Config::new().failure_threshold(u32::MAX)).0);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let circuit = Arc::clone(&circuit);
            thread::spawn(move || {
                for _ in 0..100 {
                    caught(|| circuit.call(boom::<()>));
                }
                let _permit = circuit.try_acquire().unwrap();
                panic_quietly("out of the thread")
            })
        })
        .collect();
    for thread in threads {
        assert!(thread.join().is_err());
    }
    succeed(&circuit, 1_000);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (808, 808));
    assert_eq!((snapshot.calls.success, snapshot.state), (1_000, State::Closed));
    circuit.trip();
    circuit.reset();
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn p07_a_panic_in_a_nested_call_fails_both_circuits_once() {
    let ((outer, _), (inner, _)) = (circuit(Config::new()), circuit(Config::new()));
    caught(|| outer.call(|| inner.call(boom::<()>)));
    for circuit in [outer, inner] {
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.calls.failure, snapshot.calls.panicked), (1, 1));
        assert_balanced(&snapshot, 1);
    }
}
