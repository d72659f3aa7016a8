//! Calls that wait for a slot.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use breaker_runtime::{CallError, CircuitBreaker, Config, RejectedReason};
use breaker_tower::CircuitBreakerLayer;
use common::{Down, ended, poll, remote};
use tower::{Layer, Service};

const SECOND: Duration = Duration::from_secs(1);

/// On tokio's clock.
fn patient() -> Arc<CircuitBreaker> {
    let config = Config::new().max_concurrent(1).max_wait(SECOND);
    Arc::new(CircuitBreaker::new("patient", config).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_in_its_future_and_is_made_afterwards() {
    let circuit = patient();
    let (remote, mut arrivals) = remote();
    let mut service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(remote);
    let first = service.call(1);
    let mut second = Box::pin(service.call(2));
    assert!(poll(second.as_mut()).is_pending());
    let (request, answer) = arrivals.recv().await.unwrap();
    assert_eq!(request, 1);
    assert!(arrivals.try_recv().is_err(), "the second call waits");
    answer.send(Ok(1)).unwrap();
    assert_eq!(first.await, Ok(1));

    assert!(poll(second.as_mut()).is_pending());
    let (request, answer) = arrivals.recv().await.unwrap();
    answer.send(Ok(request)).unwrap();
    assert_eq!(second.await, Ok(2));
    assert_eq!(ended(&circuit), [2, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_in_vain_is_refused_and_never_made() {
    let circuit = patient();
    let (remote, mut arrivals) = remote();
    let mut service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(remote);
    let _first = service.call(1);
    let begun = tokio::time::Instant::now();
    let Err(CallError::Rejected(rejected)) = service.call(2).await else { panic!("let in") };
    assert_eq!((rejected.reason(), begun.elapsed()), (RejectedReason::BulkheadFull, SECOND));
    assert_eq!(arrivals.recv().await.unwrap().0, 1);
    assert!(arrivals.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_opened_meanwhile_refuses_a_call_that_waited() {
    let circuit = patient();
    let (remote, mut arrivals) = remote();
    let mut service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(remote);
    let first = service.call(1);
    let mut second = Box::pin(service.call(2));
    assert!(poll(second.as_mut()).is_pending());
    circuit.trip();
    arrivals.recv().await.unwrap().1.send(Ok(1)).unwrap();
    assert_eq!(first.await, Ok(1));
    let Err(CallError::Rejected(rejected)) = second.await else { panic!("let in") };
    assert_eq!(rejected.reason(), RejectedReason::Open);
    assert!(arrivals.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_never_started() {
    let circuit = patient();
    let (remote, mut arrivals) = remote();
    let mut service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(remote);
    let first = service.call(1);
    drop(service.call(2));
    let mut third = Box::pin(service.call(3));
    assert!(poll(third.as_mut()).is_pending());
    drop(third);
    arrivals.recv().await.unwrap().1.send(Ok(1)).unwrap();
    assert_eq!(first.await, Ok(1));
    assert_eq!((common::calls(&circuit).started, ended(&circuit)), (1, [1, 0, 0, 0]));
    assert!(circuit.try_acquire().is_ok(), "the slot is free");
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_call_begins_after_its_wait() {
    let circuit = patient();
    let (remote, mut arrivals) = remote();
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).call_timeout(SECOND);
    let mut service = layer.layer(remote);
    let first = service.call(1);
    let mut second = Box::pin(service.call(2));
    assert!(poll(second.as_mut()).is_pending());
    tokio::time::advance(SECOND / 2).await;
    arrivals.recv().await.unwrap().1.send(Ok(1)).unwrap();
    assert_eq!(first.await, Ok(1));
    let begun = tokio::time::Instant::now();
    assert!(matches!(second.await, Err(CallError::TimedOut(_))));
    assert_eq!(begun.elapsed(), SECOND);
}

/// A service that may be called only after it was ready, and whose clones are not.
struct Strict {
    is_ready: bool,
    wrong: Arc<AtomicU32>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { is_ready: false, wrong: Arc::clone(&self.wrong) }
    }
}

impl Service<()> for Strict {
    type Response = ();
    type Error = Down;
    type Future = std::future::Ready<Result<(), Down>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.wrong.fetch_add(u32::from(!self.is_ready), Ordering::Relaxed);
        self.is_ready = false;
        std::future::ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_goes_to_the_instance_that_was_ready() {
    let circuit = patient();
    let wrong = Arc::new(AtomicU32::new(0));
    let inner = Strict { is_ready: false, wrong: Arc::clone(&wrong) };
    let mut service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(inner);
    for _ in 0..3 {
        let slot = circuit.try_acquire().unwrap();
        std::future::poll_fn(|context| service.poll_ready(context)).await.unwrap();
        let mut call = Box::pin(service.call(()));
        assert!(poll(call.as_mut()).is_pending());
        slot.success();
        assert_eq!(call.await, Ok(()));
    }
    assert_eq!(wrong.load(Ordering::Relaxed), 0);
}
