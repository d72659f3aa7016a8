//! The layer in front of axum's handlers.

use std::time::Duration;

use ::http::{Request, StatusCode};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use breaker_runtime::{Config, registry};
use breaker_tower::{CircuitBreakerLayer, http};
use breaker_tower_examples::serve;
use http_body_util::BodyExt;
use tower::ServiceExt;

async fn ask(router: &Router, path: &str) -> ::http::Response<Body> {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let Ok(response) = router.clone().oneshot(request).await;
    response
}

#[tokio::test]
async fn a_router_sheds_with_503_and_retry_after() {
    let config = Config::new().failure_threshold(2).cooldown(Duration::from_secs(30));
    let layer = CircuitBreakerLayer::new("axum.shed", config)
        .unwrap()
        .classify(http::server_errors())
        .respond(http::unavailable());
    let router = Router::new()
        .route("/good", get(|| async { "good" }))
        .route("/bad", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .layer(layer);
    assert_eq!(ask(&router, "/good").await.status(), StatusCode::OK);
    for _ in 0..2 {
        assert_eq!(ask(&router, "/bad").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    let refused = ask(&router, "/good").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "30");
    let calls = registry().snapshot_of("axum.shed").unwrap().calls;
    assert_eq!((calls.success, calls.failure), (1, 2));
}

#[tokio::test]
async fn a_handlers_body_may_hold_the_permit() {
    let layer = CircuitBreakerLayer::new("axum.body", Config::new())
        .unwrap()
        .classify(http::server_errors().until_end_of_body())
        .respond(http::unavailable());
    let router = Router::new().route("/", get(|| async { "a body" })).layer(layer);
    let response = ask(&router, "/").await;
    assert_eq!(registry().snapshot_of("axum.body").unwrap().in_flight, 1);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "a body");
    let snapshot = registry().snapshot_of("axum.body").unwrap();
    assert_eq!((snapshot.in_flight, snapshot.calls.success), (0, 1));
}

#[tokio::test]
async fn a_full_bulkhead_refuses_over_a_real_connection() {
    let layer = CircuitBreakerLayer::new("axum.full", Config::new().max_concurrent(1))
        .unwrap()
        .respond(http::unavailable());
    let router = Router::new().route("/", get(std::future::pending::<()>)).layer(layer);
    let address = serve(router).await.unwrap();
    let circuit = registry().get("axum.full").unwrap();
    let slot = circuit.try_acquire().unwrap();
    let refused = reqwest::get(format!("http://{address}/")).await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    slot.success();
}
