//! Many calls at a time, and tower's own middleware around the layer.

mod common;

use std::future::ready as at_once;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use breaker_runtime::{CallError, CircuitBreaker, Config, State};
use breaker_tower::{BoxError, CircuitBreakerLayer};
use common::{Down, calls, circuit, ended};
use tokio::task::JoinSet;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, PendingRequests};
use tower::{Layer, Service, ServiceExt, service_fn};

const CALLS: u64 = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l01_of_ten_thousand_calls_at_a_time_each_is_counted_once() {
    let config = Config::new().failure_threshold(u32::MAX);
    let circuit = Arc::new(CircuitBreaker::new("load", config).unwrap());
    let reached = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&reached);
    let service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(service_fn(
        move |number: u64| {
            counter.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                if number.is_multiple_of(4) { Err(Down) } else { Ok(number) }
            }
        },
    ));
    let mut tasks = JoinSet::new();
    for number in 0..CALLS {
        tasks.spawn(service.clone().oneshot(number));
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 7_500);
    assert_eq!(reached.load(Ordering::Relaxed), CALLS);
    assert_eq!((calls(&circuit).started, ended(&circuit)), (CALLS, [7_500, 2_500, 0, 0]));
    assert_eq!(circuit.snapshot().in_flight, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l02_of_ten_thousand_calls_at_a_time_no_more_than_allowed_are_inside_and_each_gets_an_answer()
 {
    const LIMIT: u32 = 16;
    let config = Config::new().max_concurrent(LIMIT).max_wait(std::time::Duration::from_secs(3600));
    let circuit = Arc::new(CircuitBreaker::new("narrow", config).unwrap());
    let inside = Arc::new(AtomicU64::new(0));
    let service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(service_fn(
        move |number: u64| {
            let inside = Arc::clone(&inside);
            assert!(inside.fetch_add(1, Ordering::SeqCst) < u64::from(LIMIT));
            async move {
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, Down>(number)
            }
        },
    ));
    let mut tasks = JoinSet::new();
    for number in 0..CALLS {
        tasks.spawn(service.clone().oneshot(number));
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!((calls(&circuit).started, ended(&circuit)), (CALLS, [CALLS, 0, 0, 0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l03_half_open_lets_in_no_probe_too_many() {
    let config = Config::new().half_open_max_calls(3).success_threshold(u32::MAX);
    let (circuit, time) = circuit(config);
    let inside = Arc::new(AtomicU64::new(0));
    let service =
        CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(service_fn(move |()| {
            let inside = Arc::clone(&inside);
            assert!(inside.fetch_add(1, Ordering::SeqCst) < 3);
            async move {
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, Down>(())
            }
        }));
    circuit.trip();
    time.advance(std::time::Duration::from_secs(60));
    let mut tasks = JoinSet::new();
    for _ in 0..CALLS {
        tasks.spawn(service.clone().oneshot(()));
    }
    let results = tasks.join_all().await;
    let good = u64::try_from(results.iter().filter(|result| result.is_ok()).count()).unwrap();
    assert_eq!(circuit.state(), State::HalfOpen);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.started, snapshot.calls.success), (good, good));
    assert_eq!(snapshot.rejected.half_open_full, CALLS - good);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_stalls_no_balancer() {
    let endpoint = |circuit: &Arc<CircuitBreaker>, number: u32| {
        let service = CircuitBreakerLayer::with_circuit(Arc::clone(circuit))
            .layer(service_fn(move |()| at_once(Ok::<_, Down>(number))));
        PendingRequests::new(service, CompleteOnResponse::default())
    };
    let (one, _) = circuit(Config::new());
    let (two, _) = circuit(Config::new());
    two.force_open();
    let list = ServiceList::new::<()>(vec![endpoint(&one, 1), endpoint(&two, 2)]);
    let mut balance = Balance::new(list);
    let mut refused = 0;
    for _ in 0..100 {
        let answer = balance.ready().await.unwrap().call(()).await;
        match answer {
            Ok(number) => assert_eq!(number, 1),
            Err(error) => {
                let error: &CallError<Down> = error.downcast_ref().expect("that of the layer");
                assert!(matches!(error, CallError::Rejected(_)));
                refused += 1;
            }
        }
    }
    assert_eq!(calls(&one).success, 100 - refused);
    assert_eq!(two.snapshot().rejected.forced_open, refused);
}

#[tokio::test(start_paused = true)]
async fn a_buffer_around_the_layer_works_through_an_open_circuit() {
    let (circuit, _) = circuit(Config::new());
    let service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit))
        .into_box_error()
        .layer(service_fn(|()| at_once(Ok::<_, BoxError>(()))));
    let buffer = tower::buffer::Buffer::new(service, 2);
    circuit.force_open();
    for _ in 0..20 {
        assert!(buffer.clone().oneshot(()).await.is_err());
    }
    circuit.reset();
    assert!(buffer.oneshot(()).await.is_ok());
    assert_eq!(ended(&circuit), [1, 0, 0, 0]);
}
