//! A dependency that hangs gives no evidence: how many calls can hang with it (L05).

use std::future::pending;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::{CallError, CircuitBreaker, Config, Permit, RejectedReason, State};

use crate::common::{assert_balanced, circuit, poll};

const CALLS: u64 = 30_000;

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), CallError<()>>> + 'a>>;

/// Polls that many calls of a dependency that hangs, and returns the hanging calls.
fn hang(circuit: &CircuitBreaker) -> Vec<Call<'_>> {
    let calls =
        (0..CALLS).map(|_| -> Call<'_> { Box::pin(circuit.call_async(pending::<Result<(), ()>>)) });
    calls
        .filter_map(|mut call| match poll(Pin::new(&mut call)) {
            Poll::Pending => Some(call),
            Poll::Ready(answer) => {
                let Err(CallError::Rejected(rejected)) = answer else { panic!("it hangs") };
                assert_eq!(rejected.reason(), RejectedReason::BulkheadFull);
                None
            }
        })
        .collect()
}

#[test]
fn l05_of_30000_calls_that_hang_no_more_run_than_there_are_slots() {
    let (circuit, time) = circuit(Config::new().max_concurrent(100));
    let calls = hang(&circuit);
    time.advance(Duration::from_secs(30));
    assert_eq!((calls.len(), circuit.snapshot().in_flight), (100, 100));
    assert_eq!(circuit.snapshot().rejected.bulkhead_full, CALLS - 100);
    drop(calls);
    let permits: Vec<_> = (0..101).map_while(|_| circuit.try_acquire().ok()).collect();
    assert_eq!(permits.len(), 100, "every slot is free again");
    permits.into_iter().for_each(Permit::success);
    assert_balanced(&circuit.snapshot(), CALLS + 101);
}

#[test]
fn l05_30000_calls_that_hang_and_then_fail_open_the_circuit_once() {
    let (circuit, time) = circuit(Config::new().failure_threshold(5));
    let permits: Vec<_> = (0..CALLS).map(|_| circuit.try_acquire().unwrap()).collect();
    time.advance(Duration::from_secs(30));
    assert_eq!(circuit.snapshot().in_flight, CALLS);
    permits.into_iter().for_each(Permit::failure);
    let snapshot = circuit.snapshot();
    assert_eq!(
        (snapshot.state, snapshot.transitions, snapshot.calls.late),
        (State::Open, 1, CALLS - 5)
    );
    assert_balanced(&snapshot, CALLS);
}
