//! The layer around reqwest's client.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use breaker_runtime::{Config, Outcome, Rejected, registry};
use breaker_tower::CircuitBreakerLayer;
use breaker_tower_examples::{nowhere, serve};
use reqwest::{Client, Method, Request, Response, Url};
use tower::{Service, ServiceBuilder, ServiceExt};

fn server_errors(result: &Result<Response, reqwest::Error>) -> Outcome {
    match result {
        Ok(response) if response.status().is_server_error() => Outcome::Failure,
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Failure,
    }
}

fn get_of(url: &str) -> Request {
    Request::new(Method::GET, Url::parse(url).unwrap())
}

#[tokio::test]
async fn answers_of_a_broken_server_open_the_circuit() {
    let router = Router::new().route("/", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
    let address = serve(router).await.unwrap();
    let layer = CircuitBreakerLayer::new("reqwest.broken", Config::new().failure_threshold(3))
        .unwrap()
        .classify(server_errors)
        .into_box_error();
    let mut client = ServiceBuilder::new().layer(layer).service(Client::new());
    for _ in 0..3 {
        let request = get_of(&format!("http://{address}/"));
        assert_eq!(client.ready().await.unwrap().call(request).await.unwrap().status(), 500);
    }
    let refused = client.call(get_of(&format!("http://{address}/"))).await.unwrap_err();
    assert!(refused.is::<Rejected>());
    assert_eq!(registry().snapshot_of("reqwest.broken").unwrap().calls.failure, 3);
}

#[tokio::test]
async fn an_error_of_the_client_is_a_failure_and_stays_what_it_is() {
    let address = nowhere().await.unwrap();
    let layer =
        CircuitBreakerLayer::new("reqwest.nowhere", Config::new()).unwrap().into_box_error();
    let mut client = ServiceBuilder::new().layer(layer).service(Client::new());
    let failed = client.call(get_of(&format!("http://{address}/"))).await.unwrap_err();
    assert!(failed.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect));
    assert_eq!(registry().snapshot_of("reqwest.nowhere").unwrap().calls.failure, 1);
}
