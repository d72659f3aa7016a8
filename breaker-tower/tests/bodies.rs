//! Calls that last until the end of the response's body.

mod common;

use std::collections::VecDeque;
use std::future::ready as at_once;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Response, StatusCode};
use Step::{Data, End, Error, Trailers};
use breaker_runtime::{CircuitBreaker, Config, OnCancel};
use breaker_tower::parts::Judge;
use breaker_tower::{CircuitBreakerLayer, GuardedBody, grpc, http};
use bytes::Bytes;
use common::{Down, calls, circuit, ended, poll, ready};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, Service, service_fn};

#[derive(Clone, Copy, Debug)]
enum Step {
    Data,
    Trailers(&'static str),
    Error,
    End,
}

/// A body that takes these steps, and waits afterwards.
#[derive(Debug, Default)]
struct Frames(VecDeque<Step>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Down;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Down>>> {
        let Some(step) = self.0.pop_front() else { return Poll::Pending };
        Poll::Ready(match step {
            Step::Data => Some(Ok(Frame::data(Bytes::from_static(b"data")))),
            Step::Trailers(status) => {
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", HeaderValue::from_static(status));
                Some(Ok(Frame::trailers(trailers)))
            }
            Step::Error => Some(Err(Down)),
            Step::End => None,
        })
    }
}

fn frames(steps: impl IntoIterator<Item = Step>) -> Response<Frames> {
    Response::new(Frames(steps.into_iter().collect()))
}

fn guarded(
    response: Response<Frames>,
) -> (Arc<CircuitBreaker>, GuardedBody<Frames, grpc::Unavailable>) {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit))
        .classify(grpc::unavailable().until_end_of_body());
    let mut service = layer.layer(service_fn(|response| at_once(Ok::<_, Down>(response))));
    let body = ready(service.call(response)).unwrap().into_body();
    (circuit, body)
}

fn next<B: Body + Unpin, J: Judge + Unpin>(
    body: &mut GuardedBody<B, J>,
) -> Poll<Option<Result<(), B::Error>>> {
    poll(std::pin::pin!(body.frame())).map(|frame| frame.map(|frame| frame.map(drop)))
}

#[test]
fn the_trailers_decide() {
    for (status, expected) in [("0", [1, 0, 0, 0]), ("14", [0, 1, 0, 0]), ("1", [0, 0, 1, 0])] {
        let (circuit, mut body) = guarded(frames([Data, Data, Trailers(status)]));
        for _ in 0..2 {
            assert!(next(&mut body).is_ready());
            assert_eq!(circuit.snapshot().in_flight, 1, "it lasts until the end of the body");
        }
        assert!(next(&mut body).is_ready());
        assert_eq!(ended(&circuit), expected, "{status}");
        drop(body);
        assert_eq!(calls(&circuit).started, 1);
    }
}

#[test]
fn a_grpc_body_that_ends_without_a_status_has_failed() {
    let (circuit, mut body) = guarded(frames([Data, End]));
    assert!(next(&mut body).is_ready() && next(&mut body).is_ready());
    assert_eq!(ended(&circuit), [0, 1, 0, 0]);
}

#[test]
fn an_error_in_the_middle_is_a_failure() {
    let (circuit, mut body) = guarded(frames([Data, Error]));
    assert!(next(&mut body).is_ready());
    assert!(matches!(next(&mut body), Poll::Ready(Some(Err(Down)))));
    assert_eq!(ended(&circuit), [0, 1, 0, 0]);
}

#[test]
fn c03_a_body_that_is_dropped_half_way_is_cancelled() {
    for polls in 0..3 {
        let (circuit, mut body) = guarded(frames([Data]));
        for _ in 0..polls {
            let _ = next(&mut body);
        }
        drop(body);
        assert_eq!(ended(&circuit), [0, 0, 0, 1], "{polls} polls");
    }
}

#[test]
fn r29_a_body_that_is_dropped_late_fails_if_on_cancel_says_so() {
    const SECOND: Duration = Duration::from_secs(1);
    for (ran, expected) in [(SECOND, [0, 0, 0, 1]), (SECOND * 2, [0, 1, 0, 0])] {
        let (circuit, time) = circuit(Config::new());
        let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit))
            .classify(http::server_errors().until_end_of_body())
            .on_cancel(OnCancel::FailureAfter(SECOND));
        let mut service = layer.layer(service_fn(|()| at_once(Ok::<_, Down>(frames([Data])))));
        let response = ready(service.call(())).unwrap();
        time.advance(ran);
        drop(response);
        assert_eq!(ended(&circuit), expected, "{ran:?}");
    }
}

#[test]
fn a_head_that_says_enough_ends_the_call() {
    let mut failed = frames([Data]);
    *failed.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let (circuit, _body) = guarded(failed);
    assert_eq!((ended(&circuit), circuit.snapshot().in_flight), ([0, 1, 0, 0], 0));

    let mut refused = frames([End]);
    refused.headers_mut().insert("grpc-status", "7".parse().unwrap());
    let (circuit, mut body) = guarded(refused);
    assert_eq!(ended(&circuit), [1, 0, 0, 0]);
    assert!(next(&mut body).is_ready());
    assert_eq!(ended(&circuit), [1, 0, 0, 0], "the rest changes nothing");
}

#[test]
fn a_body_that_nobody_has_to_poll_to_its_end_ends_the_call() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit))
        .classify(http::server_errors().until_end_of_body());
    let mut empty =
        layer.layer(service_fn(|()| at_once(Ok::<_, Down>(Response::new(Empty::<Bytes>::new())))));
    let _unread = ready(empty.call(())).unwrap();
    assert_eq!(ended(&circuit), [1, 0, 0, 0]);

    let full = || Response::new(Full::new(Bytes::from_static(b"all")));
    let mut full = layer.layer(service_fn(|()| at_once(Ok::<_, Down>(full()))));
    let mut body = ready(full.call(())).unwrap().into_body();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(3), false));
    assert!(next(&mut body).is_ready());
    assert!(body.is_end_stream());
    assert_eq!(ended(&circuit), [2, 0, 0, 0]);
}

#[test]
fn r13_a_body_that_panics_has_failed() {
    struct Bomb;
    impl Body for Bomb {
        type Data = Bytes;
        type Error = Down;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Down>>> {
            std::panic::resume_unwind(Box::new("body"))
        }
    }
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit))
        .classify(http::server_errors().until_end_of_body());
    let mut service = layer.layer(service_fn(|()| at_once(Ok::<_, Down>(Response::new(Bomb)))));
    let mut body = ready(service.call(())).unwrap().into_body();
    let polled = std::panic::AssertUnwindSafe(|| next(&mut body).is_ready());
    assert!(std::panic::catch_unwind(polled).is_err());
    drop(body);
    assert_eq!((ended(&circuit), calls(&circuit).panicked), ([0, 1, 0, 0], 1));
}

#[test]
fn the_answer_to_a_refused_call_holds_no_permit() {
    let (circuit, _) = circuit(Config::new());
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit))
        .classify(http::server_errors().until_end_of_body())
        .respond(http::unavailable());
    circuit.force_open();
    let mut service = layer.layer(service_fn(|()| at_once(Ok::<_, Down>(frames([Data])))));
    let response = ready(service.call(())).unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(calls(&circuit).started, 0);
}
