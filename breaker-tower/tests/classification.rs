//! What HTTP and gRPC responses count as, by their head.

mod common;

use std::convert::Infallible;
use std::future::ready as at_once;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response, StatusCode, header};
use breaker_runtime::{Config, Outcome, registry};
use breaker_tower::{CircuitBreakerLayer, grpc, http};
use common::{Down, circuit, ended, ready};
use tower::{Layer, Service, ServiceExt, service_fn};

const GOOD: [u64; 4] = [1, 0, 0, 0];
const FAILED: [u64; 4] = [0, 1, 0, 0];
const IGNORED: [u64; 4] = [0, 0, 1, 0];

/// What a response counts as.
macro_rules! counts {
    ($classify:expr, $response:expr) => {{
        let (circuit, _) = circuit(Config::new());
        let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).classify($classify);
        let _ = ready(layer.layer(service_fn(|()| at_once($response))).call(()));
        ended(&circuit)
    }};
}

fn response(status: u16, grpc_status: Option<&str>) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if let Some(status) = grpc_status {
        response.headers_mut().insert("grpc-status", status.parse().unwrap());
    }
    response
}

#[test]
fn server_errors_and_429_are_failures_and_everything_else_is_the_callers_affair() {
    for (status, expected) in [
        (200, GOOD),
        (301, GOOD),
        (400, GOOD),
        (404, GOOD),
        (429, FAILED),
        (499, GOOD),
        (500, FAILED),
        (503, FAILED),
        (599, FAILED),
    ] {
        let answer = || Ok::<_, Down>(response(status, None));
        assert_eq!(counts!(http::server_errors(), answer()), expected, "{status}");
    }
    assert_eq!(counts!(http::server_errors(), Err::<Response<()>, _>(Down)), FAILED);
}

/// How long the circuit is open after a response with that `Retry-After`.
fn open_for(status: u16, retry_after: &str, config: Config) -> Option<Duration> {
    let (circuit, _) = circuit(config.failure_threshold(2));
    let classified = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit));
    let layer = classified.classify(http::server_errors());
    let answer = || {
        let mut response = response(status, None);
        response.headers_mut().insert(header::RETRY_AFTER, retry_after.parse().unwrap());
        Ok::<_, Down>(response)
    };
    ready(layer.layer(service_fn(|()| at_once(answer()))).call(())).unwrap();
    circuit.snapshot().retry_after
}

#[test]
fn r28_a_failure_with_retry_after_opens_for_that_long() {
    let seconds = |text| open_for(503, text, Config::new().open_for_max(Duration::from_secs(600)));
    assert_eq!(seconds("120"), Some(Duration::from_secs(120)));
    assert_eq!(seconds(" 7 "), Some(Duration::from_secs(7)));
    assert_eq!(seconds("601"), Some(Duration::from_secs(600)));
    assert_eq!(seconds("99999999999999999999999"), Some(Duration::from_secs(600)));
    for none in ["0", "", "-5", "+5", "1.5", "soon", "Wed, 21 Oct 2037 07:28:00 GMT"] {
        assert_eq!(seconds(none), None, "{none}");
    }
}

#[test]
fn r28_only_failures_ask_by_retry_after() {
    for (status, asks) in [(429, true), (500, true), (200, false), (301, false), (404, false)] {
        assert_eq!(open_for(status, "5", Config::new()).is_some(), asks, "{status}");
    }
}

#[test]
fn r28_a_head_that_asks_is_enough_also_until_the_end_of_the_body() {
    let (circuit, _) = circuit(Config::new());
    let classify = http::server_errors().until_end_of_body();
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit)).classify(classify);
    let answer = || {
        let answer = Response::builder().status(503).header(header::RETRY_AFTER, "9");
        Ok::<_, Down>(answer.body(String::from("later")).unwrap())
    };
    let response = ready(layer.layer(service_fn(|()| at_once(answer()))).call(())).unwrap();
    assert_eq!(circuit.snapshot().retry_after, Some(Duration::from_secs(9)));
    drop(response);
    assert_eq!(ended(&circuit), FAILED);
}

#[test]
fn a_grpc_status_in_the_headers_decides() {
    for (code, expected) in [
        ("0", GOOD),
        ("1", IGNORED),
        ("2", FAILED),
        ("3", GOOD),
        ("4", FAILED),
        ("5", GOOD),
        ("6", GOOD),
        ("7", GOOD),
        ("8", FAILED),
        ("9", GOOD),
        ("10", GOOD),
        ("11", GOOD),
        ("12", GOOD),
        ("13", FAILED),
        ("14", FAILED),
        ("15", FAILED),
        ("16", GOOD),
        ("17", FAILED),
        ("what?", FAILED),
    ] {
        let answer = || Ok::<_, Down>(response(200, Some(code)));
        assert_eq!(counts!(grpc::unavailable(), answer()), expected, "{code}");
    }
}

#[test]
fn without_a_grpc_status_that_of_http_decides() {
    for (status, expected) in
        [(200, GOOD), (400, FAILED), (401, GOOD), (403, GOOD), (404, GOOD), (503, FAILED)]
    {
        let answer = || Ok::<_, Down>(response(status, None));
        assert_eq!(counts!(grpc::unavailable(), answer()), expected, "{status}");
    }
    assert_eq!(counts!(grpc::unavailable(), Err::<Response<()>, _>(Down)), FAILED);
}

#[test]
fn a_closure_may_look_at_the_response() {
    let classify = |result: &Result<Response<()>, Down>| match result {
        Ok(response) if response.headers().contains_key("x-degraded") => Outcome::Failure,
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Ignored,
    };
    assert_eq!(counts!(classify, Ok(response(500, None))), GOOD);
    assert_eq!(counts!(classify, Err(Down)), IGNORED);
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_answered_with_503_and_when_to_try_again() {
    let (circuit, time) =
        circuit(Config::new().max_concurrent(1).cooldown(Duration::from_secs(10)));
    let layer = CircuitBreakerLayer::with_circuit(Arc::clone(&circuit))
        .classify(http::server_errors())
        .call_timeout(Duration::from_secs(1))
        .respond(http::unavailable());
    let mut service = layer.layer(service_fn(|hangs: bool| async move {
        if hangs {
            std::future::pending::<()>().await;
        }
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let retry_after = |response: Response<String>| {
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        response.headers()[header::RETRY_AFTER].to_str().unwrap().to_owned()
    };
    let Ok(timed_out) = service.call(true).await;
    assert_eq!(timed_out.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(!timed_out.headers().contains_key(header::RETRY_AFTER));

    let slot = circuit.try_acquire().unwrap();
    let Ok(full) = service.call(false).await;
    assert_eq!(retry_after(full), "1");
    slot.success();

    circuit.trip();
    for (passed, expected) in [(0, "10"), (1, "10"), (999, "9"), (8_999, "1"), (0, "1")] {
        time.advance(Duration::from_millis(passed));
        let Ok(refused) = service.call(false).await;
        assert_eq!(retry_after(refused), expected, "{passed}");
    }
    circuit.force_open();
    let Ok(forced) = service.call(false).await;
    assert_eq!(retry_after(forced), "1");
    assert_eq!(ended(&circuit), [1, 1, 0, 0], "answers of the layer are not classified");
}

#[test]
fn the_authority_is_that_of_the_uri_or_of_the_header() {
    let layer =
        CircuitBreakerLayer::new("authority", Config::new()).unwrap().key(http::authority());
    let service = layer.layer(service_fn(|_: Request<()>| at_once(Ok::<_, Down>(()))));
    for (uri, host, expected) in [
        ("http://Alpha.example:8080/x", None, "alpha.example:8080"),
        ("https://user:secret@beta.example/", Some("other"), "beta.example"),
        ("/path", Some("GAMMA.example"), "gamma.example"),
        ("/path", None, ""),
        ("http://[::1]:80/", None, "[::1]:80"),
    ] {
        let mut request = Request::get(uri);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        ready(service.clone().oneshot(request.body(()).unwrap())).unwrap();
        let name = format!("authority/{expected}");
        assert_eq!(registry().snapshot_of(&name).map(|it| it.calls.success), Some(1), "{uri}");
    }
}
