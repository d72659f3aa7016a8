//! Asks a dashboard without a port between.
#![allow(dead_code, reason = "no file of tests uses all of it")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use breaker_dashboard::{Dashboard, Token};
use breaker_runtime::{CircuitBreaker, Config, registry};
use futures_util::StreamExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

pub(crate) const SECRET: &str = "a-secret-of-these-tests";
pub(crate) const ADDRESS: &str = "192.0.2.7:50123";
pub(crate) const IP: &str = "192.0.2.7";

/// A circuit of this name. All tests of a file share the registry.
pub(crate) fn circuit(name: &str) -> Arc<CircuitBreaker> {
    registry().get_or_create(name, Config::new().failure_threshold(2)).unwrap()
}

/// A dashboard with controls.
pub(crate) fn dashboard() -> Router {
    Dashboard::new().with_controls(Token::new(SECRET).unwrap()).into_router()
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json", "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The status of a failure, after a look at its sentence.
    #[track_caller]
    pub(crate) fn failure(&self) -> u16 {
        let answer = self.json();
        let fields: Vec<_> = answer.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["error"]);
        self.status.as_u16()
    }
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap().into();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(router: &Router, path: &str) -> Answer {
    ask(router, Request::get(path).header("host", "localhost:3030").body(Body::empty()).unwrap())
        .await
}

/// A request that switches something, with all that it needs.
pub(crate) fn order(body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri("/api/control")
        .header("host", "localhost:3030")
        .header("authorization", format!("Bearer {SECRET}"))
        .header("x-breaker-control", "1")
        .header("content-type", "application/json")
        .extension(ConnectInfo(ADDRESS.parse::<SocketAddr>().unwrap()))
        .body(body.into())
        .unwrap()
}

/// The first picture of the stream.
pub(crate) async fn watched(router: &Router) -> Value {
    let request = Request::get("/api/events").header("host", "localhost:3030");
    let request = request.body(Body::empty()).unwrap();
    let mut stream = router.clone().oneshot(request).await.unwrap().into_body().into_data_stream();
    loop {
        let frame = stream.next().await.unwrap().unwrap();
        let frame = std::str::from_utf8(&frame).unwrap();
        if let Some((_, data)) = frame.split_once("data: ") {
            return serde_json::from_str(data).unwrap();
        }
    }
}
