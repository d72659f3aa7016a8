//! The layer around hyper's client.

use ::http::{Request, StatusCode};
use axum::Router;
use axum::routing::get;
use breaker_runtime::{CallError, Config, State, registry};
use breaker_tower::{CircuitBreakerLayer, http};
use breaker_tower_examples::{nowhere, serve, serve_raw};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Service, ServiceBuilder};

fn get_of(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

fn calls(name: &str) -> (u64, u64, u64) {
    let calls = registry().snapshot_of(name).unwrap().calls;
    (calls.success, calls.failure, calls.cancelled)
}

#[tokio::test]
async fn answers_are_classified_and_bodies_are_read_to_their_end() {
    let router = Router::new()
        .route("/good", get(|| async { "good" }))
        .route("/bad", get(|| async { StatusCode::BAD_GATEWAY }));
    let address = serve(router).await.unwrap();
    let mut client = ServiceBuilder::new()
        .layer(
            CircuitBreakerLayer::new("hyper.classified", Config::new())
                .unwrap()
                .classify(http::server_errors().until_end_of_body()),
        )
        .service(Client::builder(TokioExecutor::new()).build_http());
    let good = client.call(get_of(&format!("http://{address}/good"))).await.unwrap();
    assert_eq!(calls("hyper.classified"), (0, 0, 0));
    assert_eq!(good.into_body().collect().await.unwrap().to_bytes(), "good");
    assert_eq!(calls("hyper.classified"), (1, 0, 0));
    let bad = client.call(get_of(&format!("http://{address}/bad"))).await.unwrap();
    assert_eq!((bad.status(), calls("hyper.classified")), (StatusCode::BAD_GATEWAY, (1, 1, 0)));
    let dropped = client.call(get_of(&format!("http://{address}/good"))).await.unwrap();
    drop(dropped);
    assert_eq!(calls("hyper.classified"), (1, 1, 1));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_failure() {
    let address = serve_raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await.unwrap();
    let mut client = ServiceBuilder::new()
        .layer(
            CircuitBreakerLayer::new("hyper.broken", Config::new())
                .unwrap()
                .classify(http::server_errors().until_end_of_body()),
        )
        .service(Client::builder(TokioExecutor::new()).build_http());
    let response = client.call(get_of(&format!("http://{address}/"))).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(calls("hyper.broken"), (0, 1, 0));
}

#[tokio::test]
async fn a_host_that_is_down_does_not_block_the_others() {
    let up = serve(Router::new().route("/", get(|| async { "up" }))).await.unwrap();
    let down = nowhere().await.unwrap();
    let mut client = ServiceBuilder::new()
        .layer(
            CircuitBreakerLayer::new("hyper.hosts", Config::new().failure_threshold(2))
                .unwrap()
                .classify(http::server_errors())
                .key(http::authority()),
        )
        .service(Client::builder(TokioExecutor::new()).build_http());
    let (up_uri, down_uri) = (format!("http://{up}/"), format!("http://{down}/"));
    for _ in 0..2 {
        assert!(matches!(client.call(get_of(&down_uri)).await, Err(CallError::Failed(_))));
    }
    assert!(matches!(client.call(get_of(&down_uri)).await, Err(CallError::Rejected(_))));
    assert_eq!(client.call(get_of(&up_uri)).await.unwrap().status(), StatusCode::OK);
    let state = |address| registry().snapshot_of(&format!("hyper.hosts/{address}")).unwrap().state;
    assert_eq!((state(down), state(up)), (State::Open, State::Closed));
}
