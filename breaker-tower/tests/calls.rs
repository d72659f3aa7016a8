//! What a call counts as, what its caller gets, and which circuit it goes through.

mod common;

use std::convert::Infallible;
use std::future::ready as at_once;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::{CallError, Config, Outcome, Registry, Rejected, State, registry, testing};
use breaker_tower::{BoxError, CircuitBreakerLayer, http};
use common::{Down, circuit, ended, poll, ready, remote};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn answer(request: Result<u32, Down>) -> impl Future<Output = Result<u32, Down>> {
    at_once(request)
}

#[test]
fn an_ok_is_a_success_and_an_err_a_failure() {
    let (circuit, _) = circuit(Config::new());
    let mut service =
        CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(service_fn(answer));
    assert_eq!(ready(service.call(Ok(1))), Ok(1));
    assert_eq!(ready(service.call(Err(Down))), Err(CallError::Failed(Down)));
    assert_eq!(ended(&circuit), [1, 1, 0, 0]);
}

#[test]
fn a_refused_call_does_not_reach_the_service() {
    let (circuit, _) = circuit(Config::new());
    let (remote, mut arrivals) = remote();
    let mut service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(remote);
    circuit.trip();
    assert!(matches!(ready(service.call(1)), Err(CallError::Rejected(_))));
    assert!(arrivals.try_recv().is_err());
    assert_eq!(circuit.snapshot().rejected.open, 1);
}

#[test]
fn a_circuit_opens_and_closes_by_its_own_clock() {
    let config = Config::new().failure_threshold(2).success_threshold(1);
    let (circuit, time) = circuit(config);
    let mut service =
        CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(service_fn(answer));
    for _ in 0..2 {
        let _ = ready(service.call(Err(Down)));
    }
    assert!(matches!(ready(service.call(Ok(1))), Err(CallError::Rejected(_))));
    time.advance(Duration::from_secs(60));
    assert_eq!(ready(service.call(Ok(1))), Ok(1));
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn a_closure_classifies_results() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).classify(
        |result: &Result<u32, Down>| match result {
            Ok(0) => Outcome::Failure,
            Ok(_) => Outcome::Success,
            Err(Down) => Outcome::Ignored,
        },
    );
    let mut service = layer.layer(service_fn(answer));
    for request in [Ok(0), Ok(1), Err(Down)] {
        let _ = ready(service.call(request));
    }
    assert_eq!(ended(&circuit), [1, 1, 1, 0]);
}

#[test]
fn r13_a_classifier_that_panics_has_failed() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).classify(
        |_: &Result<u32, Down>| -> Outcome { std::panic::resume_unwind(Box::new("classify")) },
    );
    let mut service = layer.layer(service_fn(answer));
    let call = std::panic::AssertUnwindSafe(|| ready(service.call(Ok(1))));
    assert!(std::panic::catch_unwind(call).is_err());
    assert_eq!((ended(&circuit), common::calls(&circuit).panicked), ([0, 1, 0, 0], 1));
}

#[test]
fn refusals_and_errors_of_the_service_are_found_in_a_box() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).into_box_error();
    let mut service = layer.layer(service_fn(answer));
    let failed: BoxError = ready(service.call(Err(Down))).unwrap_err();
    assert!(failed.is::<Down>());
    circuit.force_open();
    assert!(ready(service.call(Ok(1))).unwrap_err().is::<Rejected>());
}

#[test]
fn a_boxed_error_of_the_service_stays_in_its_box() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(circuit).into_box_error();
    let mut service = layer.layer(service_fn(|()| at_once(Err::<(), BoxError>(Box::new(Down)))));
    assert!(ready(service.call(())).unwrap_err().is::<Down>());
}

#[tokio::test(start_paused = true)]
async fn a_function_answers_calls_that_were_refused_or_timed_out() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit))
        .call_timeout(Duration::from_secs(1))
        .respond(|error: CallError<Infallible>| match error {
            CallError::Rejected(_) => 503,
            CallError::TimedOut(_) => 504,
        });
    let mut hanging = layer.layer(service_fn(|()| std::future::pending::<Result<u32, Down>>()));
    assert_eq!(hanging.call(()).await, Ok(504));
    circuit.force_open();
    assert_eq!(hanging.call(()).await, Ok(503));
    circuit.reset();
    let mut failing = layer.layer(service_fn(answer));
    assert_eq!(failing.call(Err(Down)).await, Err(Down));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_times_out_and_fails() {
    let (circuit, _) = circuit(Config::new());
    let limit = Duration::from_secs(1);
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).call_timeout(limit);
    let (remote, mut arrivals) = remote();
    let mut service = layer.layer(remote);
    let Err(CallError::TimedOut(timed_out)) = service.call(1).await else { panic!("no timeout") };
    assert_eq!((timed_out.name(), timed_out.after()), ("test", limit));
    let (_, answer) = arrivals.recv().await.unwrap();
    assert!(answer.is_closed(), "the call was dropped");
    assert_eq!((ended(&circuit), common::calls(&circuit).timed_out), ([0, 1, 0, 0], 1));

    let in_time = service.call(2);
    arrivals.recv().await.unwrap().1.send(Ok(2)).unwrap();
    assert_eq!(in_time.await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn settings_from_outside_the_code_change_the_limit_of_a_call() {
    use breaker_runtime::{Layer as Settings, Statement};
    let own = Registry::new();
    let circuit = own.circuit("timed", Config::new()).unwrap();
    let statement = Statement::new("timed", "call_timeout", "5ms", "test");
    own.apply(Settings::File, vec![statement]).unwrap();
    let layer = CircuitBreakerLayer::with_circuit(circuit).call_timeout(Duration::from_secs(9));
    let mut service = layer.layer(service_fn(|()| std::future::pending::<Result<(), Down>>()));
    let Err(CallError::TimedOut(timed_out)) = service.call(()).await else { panic!("no timeout") };
    assert_eq!(timed_out.after(), Duration::from_millis(5));
}

#[test]
fn an_isolated_test_has_the_circuits_and_the_clock_of_its_layers() {
    const SECOND: Duration = Duration::from_secs(1);
    let test = testing::isolate();
    let layer = CircuitBreakerLayer::new("calls.isolated", Config::new().failure_threshold(1))
        .unwrap()
        .call_timeout(SECOND);
    let mut service = layer.layer(service_fn(|()| std::future::pending::<Result<(), Down>>()));
    let mut call = std::pin::pin!(service.call(()));
    assert!(poll(call.as_mut()).is_pending());
    test.advance(SECOND);
    assert!(matches!(poll(call), Poll::Ready(Err(CallError::TimedOut(_)))));
    assert_eq!(test.circuit("calls.isolated").state(), State::Open);
}

#[test]
fn layers_of_one_name_share_the_circuit_in_the_registry() {
    let one = CircuitBreakerLayer::new("calls.shared", Config::new()).unwrap();
    let other = CircuitBreakerLayer::new("calls.shared", Config::new()).unwrap();
    ready(one.layer(service_fn(answer)).call(Ok(1))).unwrap();
    ready(other.layer(service_fn(answer)).call(Ok(1))).unwrap();
    assert_eq!(registry().get("calls.shared").unwrap().snapshot().calls.success, 2);
}

#[test]
fn a_wrong_name_bound_or_config_is_an_error_that_says_so() {
    let error = CircuitBreakerLayer::new("api/v1", Config::new()).unwrap_err();
    assert!(error.to_string().starts_with("`name` must not hold `/`"), "{error}");
    let error = CircuitBreakerLayer::new("api", Config::new().failure_rate(2.0)).unwrap_err();
    assert_eq!(error.option(), "failure_rate");
    let layer = CircuitBreakerLayer::new("calls.bound", Config::new()).unwrap();
    let error = layer.key(http::authority()).max_keys(0).unwrap_err();
    assert_eq!(error.option(), "max_keys");
}

#[test]
fn clones_share_the_circuit_and_take_nothing_until_they_are_called() {
    let (circuit, _) = circuit(Config::new().max_concurrent(1));
    let (remote, _arrivals) = remote();
    let service = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(remote);
    let clones = vec![service.clone(); 100];
    for mut clone in clones.clone() {
        assert!(clone.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready());
    }
    assert_eq!(common::calls(&circuit).started, 0);
    let _held = service.clone().call(1);
    assert!(matches!(ready(clones[0].clone().call(1)), Err(CallError::Rejected(_))));
}

#[test]
fn each_key_has_its_circuit_and_the_bound_holds() {
    struct Job(String);
    fn tenant(job: &Job) -> &str {
        &job.0
    }
    let layer = CircuitBreakerLayer::new("calls.keyed", Config::new().failure_threshold(1))
        .unwrap()
        .key(tenant)
        .max_keys(2)
        .unwrap();
    let mut service = layer
        .layer(service_fn(|Job(tenant)| at_once(if tenant == "bad" { Err(Down) } else { Ok(1) })));
    let mut call = |tenant: &str| ready(service.call(Job(tenant.to_owned())));
    assert_eq!(call("bad"), Err(CallError::Failed(Down)));
    assert!(matches!(call("bad"), Err(CallError::Rejected(_))));
    for tenant in ["a", "b", "c"] {
        assert_eq!(call(tenant), Ok(1));
    }
    let names = registry().names().into_iter().filter(|name| name.starts_with("calls.keyed/"));
    assert_eq!(names.collect::<Vec<_>>(), ["calls.keyed/bad", "calls.keyed/c"]);
}

#[test]
fn keys_may_be_in_a_registry_of_ones_own() {
    let own = Registry::new();
    let keyed = own.keyed("tenants", Config::new(), 8).unwrap();
    let layer = CircuitBreakerLayer::with_keyed(keyed, |tenant: &u32| *tenant);
    ready(layer.layer(service_fn(|tenant: u32| at_once(Ok::<_, Down>(tenant)))).call(7)).unwrap();
    assert_eq!(own.snapshot_of("tenants/7").unwrap().calls.success, 1);
    assert!(registry().get("tenants/7").is_none());
}

/// Ready, unready or broken, as it is told.
#[derive(Clone)]
struct Moody(Poll<Result<(), Down>>);

impl Service<()> for Moody {
    type Response = ();
    type Error = Down;
    type Future = std::future::Ready<Result<(), Down>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        self.0
    }

    fn call(&mut self, (): ()) -> Self::Future {
        at_once(Ok(()))
    }
}

#[test]
fn readiness_is_that_of_the_inner_service_whatever_the_state() {
    let (circuit, _) = circuit(Config::new());
    let mut context = Context::from_waker(Waker::noop());
    for state in [State::Closed, State::Open, State::ForcedOpen] {
        match state {
            State::Open => circuit.trip(),
            State::ForcedOpen => circuit.force_open(),
            _ => {}
        }
        for (mood, expected) in [
            (Poll::Pending, Poll::Pending),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))),
            (Poll::Ready(Err(Down)), Poll::Ready(Err(CallError::Failed(Down)))),
        ] {
            let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit));
            assert_eq!(layer.layer(Moody(mood)).poll_ready(&mut context), expected, "{state}");
        }
    }
    assert_eq!(common::calls(&circuit).started, 0);
}

#[tokio::test(start_paused = true)]
async fn the_layer_fits_in_a_stack_of_towers_own() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    let service = ServiceBuilder::new()
        .buffer::<u32>(8)
        .concurrency_limit(4)
        .map_err(BoxError::from)
        .layer(CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).into_box_error())
        .buffer(8)
        .service(service_fn(|request: u32| {
            at_once(if request == 0 { Err(Down) } else { Ok(request) })
        }));
    assert_eq!(service.clone().oneshot(1).await.unwrap(), 1);
    assert!(service.clone().oneshot(0).await.is_err());
    assert!(service.clone().oneshot(1).await.unwrap_err().is::<Rejected>());
    assert_eq!(ended(&circuit), [1, 1, 0, 0]);
}

#[test]
fn a_future_that_is_done_is_pending_for_ever() {
    let (circuit, _) = circuit(Config::new());
    let mut service =
        CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).layer(service_fn(answer));
    let mut call = std::pin::pin!(service.call(Ok(1)));
    assert!(poll(call.as_mut()).is_ready() && poll(call).is_pending());
    circuit.trip();
    let mut refused = std::pin::pin!(service.call(Ok(1)));
    assert!(poll(refused.as_mut()).is_ready() && poll(refused).is_pending());
}

#[test]
fn everything_can_be_shown_and_crosses_threads() {
    fn crosses<T: Send + Sync + std::fmt::Debug>(value: &T) -> String {
        format!("{value:?}")
    }
    let layer = CircuitBreakerLayer::with_circuit(circuit(Config::new()).0);
    let mut service = layer.layer(Moody(Poll::Pending));
    assert!(crosses(&layer).contains("test"));
    assert!(crosses(&service.call(())).starts_with("ResponseFuture"));
}
