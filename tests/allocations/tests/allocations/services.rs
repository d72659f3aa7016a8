//! Calls of tower services.

use std::future::{Ready, ready as at_once};
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use breaker_runtime::{CallError, Config};
use breaker_tower::{CircuitBreakerLayer, http};
use tower::{Layer, Service, service_fn};

use crate::common::{Down, circuit, ready};
use crate::{CALLS, allocates_nothing};

fn answer(request: Result<u32, Down>) -> Ready<Result<u32, Down>> {
    at_once(request)
}

#[test]
fn a_call_of_a_closed_or_an_open_circuit() {
    let (circuit, _) = circuit(Config::new());
    let mut service =
        CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(service_fn(answer));
    allocates_nothing(|| assert!(ready(service.call(Ok(1))).is_ok()));
    circuit.force_open();
    allocates_nothing(|| {
        assert!(matches!(ready(service.call(Ok(1))), Err(CallError::Rejected(_))));
    });
}

#[test]
fn a_failed_call_once_its_window_is_full() {
    let config = Config::new().failure_threshold(1_000).count_window(4);
    let mut service =
        CircuitBreakerLayer::with_circuit(circuit(config).0).layer(service_fn(answer));
    (0..8).for_each(|_| drop(ready(service.call(Err(Down)))));
    allocates_nothing(|| assert!(ready(service.call(Err(Down))).is_err()));
}

#[test]
fn a_call_that_finds_a_slot_of_its_bulkhead() {
    let config = Config::new().max_concurrent(1).max_wait(Duration::from_secs(1));
    let mut service =
        CircuitBreakerLayer::with_circuit(circuit(config).0).layer(service_fn(answer));
    allocates_nothing(|| assert!(ready(service.call(Ok(1))).is_ok()));
}

#[tokio::test]
async fn a_call_with_a_limit() {
    let layer = CircuitBreakerLayer::with_circuit(circuit(Config::new()).0)
        .call_timeout(Duration::from_secs(1));
    let mut service = layer.layer(service_fn(answer));
    allocates_nothing(|| assert!(ready(service.call(Ok(1))).is_ok()));
}

#[test]
fn a_call_with_a_known_key_that_is_classified_until_the_end_of_its_body() {
    type Answered = Ready<Result<Response<String>, Down>>;
    let requests = || {
        let request = || Request::get("http://Alpha.example:80/").body(()).unwrap();
        (0..=CALLS).map(|_| (request(), Response::new("body".to_owned()))).collect::<Vec<_>>()
    };
    let layer = CircuitBreakerLayer::new("allocations.keyed", Config::new())
        .unwrap()
        .classify(http::server_errors().until_end_of_body())
        .key(http::authority());
    let mut prepared = requests().into_iter();
    let mut answers = Vec::with_capacity(prepared.len());
    let mut asked = Vec::with_capacity(prepared.len());
    for (request, response) in &mut prepared {
        asked.push(request);
        answers.push(response);
    }
    let answers = std::sync::Mutex::new(answers);
    let mut service = layer.layer(service_fn(|_: Request<()>| -> Answered {
        at_once(Ok(answers.lock().unwrap().pop().unwrap()))
    }));
    let mut bodies = Vec::with_capacity(asked.len());
    allocates_nothing(|| bodies.push(ready(service.call(asked.pop().unwrap())).unwrap()));
    drop(bodies);
    let calls = breaker_runtime::registry().get("allocations.keyed/alpha.example:80").unwrap();
    assert_eq!(calls.snapshot().calls.cancelled, CALLS + 1);
}

#[test]
fn the_response_future_is_as_large_as_its_parts() {
    fn size_of_future<F>(_: &F) -> usize {
        size_of::<F>()
    }
    let layer = CircuitBreakerLayer::with_circuit(circuit(Config::new()).0);
    let small = size_of_future(&layer.layer(service_fn(answer)).call(Ok(1)));
    let large = size_of_future(
        &layer.layer(service_fn(|bytes: [u8; 1000]| at_once(Ok::<_, Down>(bytes)))).call([0; 1000]),
    );
    assert!(small <= 104, "{small}");
    assert!(large <= small + 1_000, "{large}: the request has no room of its own");
}
