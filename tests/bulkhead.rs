//! No more calls in flight than `max_concurrent`, and a queue for calls that may wait (4.5).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    CallError, CircuitBreaker, Config, RejectedReason, Snapshot, State, circuit_breaker, registry,
};
use tokio::sync::Semaphore;

fn snapshot(name: &str) -> Snapshot {
    registry().get(name).expect("the function is annotated").snapshot()
}

fn full<T, E>(result: &Result<T, CallError<E>>) -> bool {
    matches!(result, Err(CallError::Rejected(rejected)) if rejected.reason() == RejectedReason::BulkheadFull)
}

#[circuit_breaker(name = "bulkhead.recursive", max_concurrent = 2, fallback = 0)]
fn depth(left: u32) -> u32 {
    if left == 0 { 1 } else { 1 + depth(left - 1) }
}

#[test]
fn a_call_too_many_is_refused_and_is_no_failure() {
    assert_eq!(depth(0), 1);
    assert_eq!(depth(9), 2, "the third one inside is refused");
    let snapshot = snapshot("bulkhead.recursive");
    assert_eq!((snapshot.rejected.bulkhead_full, snapshot.calls.failure), (1, 0));
    assert_eq!((snapshot.calls.success, snapshot.in_flight), (3, 0));
}

#[test]
fn try_acquire_never_waits() {
    let config = Config::new().max_concurrent(1).max_wait(Duration::MAX);
    let circuit = CircuitBreaker::new("one", config).unwrap();
    let held = circuit.try_acquire().unwrap();
    let refused = circuit.try_acquire().unwrap_err();
    assert_eq!(refused.reason(), RejectedReason::BulkheadFull);
    held.success();
    circuit.try_acquire().unwrap().success();
}

#[circuit_breaker(
    name = "bulkhead.blocking",
    max_concurrent = 1,
    max_wait = "60s",
    fallback = false
)]
fn blocking(entered: &mpsc::Sender<()>, release: &mpsc::Receiver<()>) -> bool {
    entered.send(()).unwrap();
    release.recv().unwrap();
    true
}

#[test]
fn a_sync_caller_waits_for_the_slot() {
    let (entered, has_entered) = mpsc::channel();
    let (release, released) = mpsc::channel();
    thread::scope(|scope| {
        let first = {
            let entered = entered.clone();
            scope.spawn(move || blocking(&entered, &released))
        };
        has_entered.recv().unwrap();
        let (again, second_release) = mpsc::channel();
        let second = scope.spawn(move || blocking(&entered, &second_release));
        release.send(()).unwrap();
        has_entered.recv().unwrap();
        again.send(()).unwrap();
        assert!(first.join().unwrap() && second.join().unwrap());
    });
    assert_eq!(snapshot("bulkhead.blocking").rejected.bulkhead_full, 0);
}

#[circuit_breaker(name = "bulkhead.async", max_concurrent = 2, max_wait = "1s")]
async fn guarded(gate: Arc<Semaphore>, inside: Arc<AtomicU32>) -> Option<u32> {
    let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
    gate.acquire().await.ok()?.forget();
    inside.fetch_sub(1, Ordering::SeqCst);
    Some(now)
}

#[tokio::test(start_paused = true)]
async fn async_callers_wait_in_order_and_no_longer_than_they_may() {
    let (gate, inside) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let call = || tokio::spawn(guarded(Arc::clone(&gate), Arc::clone(&inside)));
    let calls: Vec<_> = (0..5).map(|_| call()).collect();
    tokio::task::yield_now().await;
    gate.add_permits(1);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(snapshot("bulkhead.async").calls.started, 3, "one left, the next one entered");

    tokio::time::sleep(Duration::from_millis(501)).await;
    gate.add_permits(10);
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    assert_eq!(answers, [Some(1), Some(2), Some(2), None, None]);
    let snapshot = snapshot("bulkhead.async");
    assert_eq!((snapshot.rejected.bulkhead_full, snapshot.in_flight), (2, 0));
}

#[circuit_breaker(name = "bulkhead.cancelled", max_concurrent = 1, max_wait = "60s")]
async fn waits() -> Option<()> {
    std::future::pending().await
}

#[tokio::test]
async fn a_cancelled_waiter_never_started_and_leaves_nothing_behind() {
    let mut context = Context::from_waker(Waker::noop());
    let mut holder = Box::pin(waits());
    assert!(holder.as_mut().poll(&mut context).is_pending());
    for _ in 0..10 {
        assert!(Box::pin(waits()).as_mut().poll(&mut context).is_pending());
    }
    let calls = snapshot("bulkhead.cancelled").calls;
    assert_eq!((calls.started, calls.cancelled), (1, 0));
    drop(holder);
    let mut next = Box::pin(waits());
    assert!(next.as_mut().poll(&mut context).is_pending());
    assert_eq!(snapshot("bulkhead.cancelled").calls.started, 2);
}

#[tokio::test]
async fn whoever_waited_asks_for_the_state_again() {
    let config = Config::new().max_concurrent(1).max_wait(Duration::from_secs(60));
    let circuit = CircuitBreaker::new("again", config).unwrap();
    let held = circuit.try_acquire().unwrap();
    let mut waiter = Box::pin(circuit.call_async(|| async { Ok::<_, ()>(()) }));
    assert!(waiter.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    circuit.force_open();
    held.success();
    let refused = waiter.await.unwrap_err();
    assert!(
        matches!(refused, CallError::Rejected(rejected) if rejected.reason() == RejectedReason::ForcedOpen)
    );
    circuit.reset();
    assert_eq!(circuit.call(|| Ok::<_, ()>(1)), Ok(1), "its slot is free again");
}

#[test]
fn a_slot_is_free_again_after_every_end_under_many_threads() {
    const LIMIT: u32 = 4;
    const THREADS: u32 = 16;
    const ROUNDS: u32 = 250;
    let config = Config::new()
        .max_concurrent(LIMIT)
        .max_wait(Duration::from_secs(60))
        .failure_threshold(u32::MAX);
    let circuit = CircuitBreaker::new("many", config).unwrap();
    let (inside, barrier) = (AtomicU32::new(0), Barrier::new(THREADS as usize));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (circuit, inside, barrier) = (&circuit, &inside, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for round in 0..ROUNDS {
                    let outcome = circuit.call(|| {
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < LIMIT);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        if (thread + round) % 2 == 0 { Ok(()) } else { Err(()) }
                    });
                    assert!(!full(&outcome), "everybody is served within the minute");
                }
            });
        }
    });
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.calls.started, u64::from(THREADS * ROUNDS));
    assert_eq!((snapshot.in_flight, snapshot.state), (0, State::Closed));
    for _ in 0..LIMIT {
        circuit.try_acquire().expect("all slots are free").ignore();
    }
}

#[tokio::test]
async fn two_calls_that_end_before_the_waiter_is_polled_do_not_stop_the_world() {
    let config = Config::new().max_concurrent(2).max_wait(Duration::from_secs(60));
    let circuit = CircuitBreaker::new("two at once", config).unwrap();
    let held = [circuit.try_acquire().unwrap(), circuit.try_acquire().unwrap()];
    let mut waiter = Box::pin(circuit.call_async(|| async { Ok::<_, ()>(()) }));
    assert!(waiter.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    held.into_iter().for_each(breaker_runtime::Permit::success);
    assert_eq!(waiter.await, Ok(()));
    assert_eq!(circuit.snapshot().in_flight, 0);
}

#[test]
fn a_refusal_after_the_wait_is_told_when_its_slot_is_free() {
    let config = Config::new().max_concurrent(1).max_wait(Duration::from_secs(60));
    let circuit = registry().get_or_create("bulkhead.told", config).unwrap();
    let again = Arc::clone(&circuit);
    let (told, heard) = mpsc::channel();
    let _subscription = registry().subscribe(move |event| {
        let refused = matches!(event.kind, breaker_runtime::EventKind::Rejected { .. });
        if event.name == "bulkhead.told" && refused {
            again.reset();
            told.send(again.try_acquire().map(breaker_runtime::Permit::success)).unwrap();
        }
    });
    let held = circuit.try_acquire().unwrap();
    let mut waiter = Box::pin(circuit.call_async(|| async { Ok::<_, ()>(()) }));
    let mut context = Context::from_waker(Waker::noop());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    assert!(waiter.as_mut().poll(&mut context).is_pending());
    circuit.force_open();
    held.success();
    assert!(waiter.as_mut().poll(&mut context).is_ready());
    assert_eq!(heard.recv().unwrap(), Ok(()));
}
