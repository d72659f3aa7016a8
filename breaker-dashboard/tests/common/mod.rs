//! Asks a dashboard without a port between.
#![allow(dead_code, reason = "no file of tests uses all of it")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
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
    let mut page = Page::open(router).await;
    page.raw().await;
    page.next().await.1
}

/// The names of the rows.
pub(crate) fn names(event: &Value) -> Vec<&str> {
    let rows = event["circuits"].as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap()).collect()
}

/// A page, which keeps the rows that it got.
pub(crate) struct Page {
    stream: BodyDataStream,
    header: Value,
    rows: BTreeMap<String, Value>,
}

impl Page {
    pub(crate) async fn open(router: &Router) -> Self {
        let request = Request::get("/api/events").header("host", "localhost:3030");
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("content-encoding"));
        let stream = response.into_body().into_data_stream();
        Self { stream, header: Value::Null, rows: BTreeMap::new() }
    }

    pub(crate) async fn is_going_on(&mut self) -> bool {
        self.stream.next().await.is_some()
    }

    pub(crate) async fn raw(&mut self) -> String {
        let bytes = self.stream.next().await.unwrap().unwrap();
        std::str::from_utf8(&bytes).unwrap().to_owned()
    }

    /// The kind of the next event, and its data.
    pub(crate) async fn next(&mut self) -> (String, Value) {
        let text = self.raw().await;
        let (kind, data) = text.strip_prefix("event: ").unwrap().split_once('\n').unwrap();
        let data = data.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
        assert!(!data.contains(['\n', '\r']));
        let data: Value = serde_json::from_str(data).unwrap();
        match kind {
            "snapshot" => self.rows.clear(),
            _ => assert_eq!(kind, "changes"),
        }
        for gone in data["gone"].as_array().into_iter().flatten() {
            self.rows.remove(gone.as_str().unwrap());
        }
        for row in data["circuits"].as_array().unwrap() {
            self.rows.insert(row["name"].as_str().unwrap().to_owned(), row.clone());
        }
        self.header = data.clone();
        (kind.to_owned(), data)
    }

    /// The last event, with all rows that are known.
    pub(crate) fn known(&self) -> Value {
        let mut known = self.header.clone();
        known["circuits"] = self.rows.values().cloned().collect();
        known
    }
}
