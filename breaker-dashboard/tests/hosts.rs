//! Under which hosts and paths the dashboard answers, and that it answers in JSON whatever goes wrong.

mod common;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use breaker_dashboard::{Dashboard, Token};
use breaker_runtime::State;
use common::{SECRET, ask, circuit, dashboard, get, order};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn status_for(router: &Router, host: &str) -> u16 {
    let request = Request::get("/healthz").header("host", host).body(Body::empty()).unwrap();
    ask(router, request).await.status.as_u16()
}

#[tokio::test]
async fn h05_a_loopback_address_is_one_however_it_is_written() {
    let router = dashboard();
    for host in ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]:3030", "[0:0:0:0:0:0:0:1]", "127.0.0.2"] {
        assert_eq!(status_for(&router, host).await, 200, "{host}");
    }
    for host in ["[::ffff:10.0.0.1]", "[::ffff:127.0.0.1", "::ffff:127.0.0.1]", "[127.0.0.1]"] {
        assert_eq!(status_for(&router, host).await, 403, "{host}");
    }
}

#[tokio::test]
async fn the_url_of_a_server_is_answered_whatever_it_is_bound_to() {
    for address in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0"] {
        let Ok(server) = Dashboard::new().bind(address).await else {
            assert!(address.starts_with('['), "{address}");
            continue;
        };
        let url = server.url();
        let host = url.strip_prefix("http://").unwrap().strip_suffix('/').unwrap().to_owned();
        tokio::spawn(server.run());
        let mut stream = TcpStream::connect(&host).await.unwrap();
        let request = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{url}: {answer}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_answered_like_all_others() {
    let router = dashboard();
    let paths = [
        "/api/circuits?limit=abc",
        "/api/circuits?limit=-1",
        "/api/circuits?limit=1&limit=2",
        "/api/circuits?name=a&name=b",
        "/api/circuits/%ff",
        "/healthz?strict&strict",
    ];
    for path in paths {
        assert_eq!(get(&router, path).await.failure(), 400, "{path}");
    }
    assert_eq!(get(&router, "/%ff").await.failure(), 404);
    assert_eq!(get(&router, "/api/circuits?other=%ff").await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_circuit_is_found_below_paths_that_have_parameters_of_their_own() {
    circuit("hosts.nested");
    let nested = Router::new()
        .nest("/tenants/{tenant}/breakers", dashboard())
        .nest("/named/{name}", dashboard());
    for path in ["/tenants/acme/breakers", "/named/hosts.other"] {
        let found = get(&nested, &format!("{path}/api/circuits/hosts.nested")).await;
        assert_eq!(
            (found.status.as_u16(), found.json()["name"].as_str()),
            (200, Some("hosts.nested"))
        );
        assert_eq!(get(&nested, &format!("{path}/api/circuits/%ff")).await.failure(), 400);
    }
    let below = get(&nested, "/tenants/%ff/breakers/api/circuits/hosts.nested").await;
    assert_eq!(below.failure(), 400);
}

#[tokio::test]
async fn a_host_that_nobody_can_ask_for_is_an_error_that_says_what_is_expected() {
    for host in ["https://ops.example.com", "ops.example.com/breakers", "*.example.com", ""] {
        let error = Dashboard::new().allow_host(host).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{host:?} is not a host; expected a name or an address")),
            "{error}"
        );
    }
    for origin in ["ops.example.com", "https://ops.example.com/", "null", "*"] {
        let error = Dashboard::new().allow_origin(origin).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{origin:?} is not an origin; expected a scheme")),
            "{error}"
        );
    }
    let router = Dashboard::new().allow_host("2001:db8::1").unwrap().into_router();
    assert_eq!(status_for(&router, "[2001:DB8:0::1]:9090").await, 200);
}

#[tokio::test]
async fn orders_come_through_a_proxy_that_rewrites_the_host_if_its_origin_is_allowed() {
    let target = circuit("hosts.proxy");
    let router = |origin: Option<&str>| {
        let dashboard = Dashboard::new().with_controls(Token::new(SECRET).unwrap());
        let dashboard = dashboard.allow_host("breakers.internal").unwrap();
        match origin {
            Some(origin) => dashboard.allow_origin(origin).unwrap().into_router(),
            None => dashboard.into_router(),
        }
    };
    let request = |origin: &'static str| {
        let mut request = order(json!({ "name": "hosts.proxy", "action": "trip" }).to_string());
        let headers = request.headers_mut();
        headers.insert("host", HeaderValue::from_static("breakers.internal:8080"));
        headers.insert("origin", HeaderValue::from_static(origin));
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        request
    };
    let ops = "https://ops.example.com";
    assert_eq!(ask(&router(None), request(ops)).await.failure(), 403);
    let open = router(Some("https://OPS.example.com:443"));
    for other in
        ["http://ops.example.com", "https://evil.example", "https://ops.example.com:8443", "null"]
    {
        assert_eq!(ask(&open, request(other)).await.failure(), 403, "{other}");
    }
    assert_eq!(target.state(), State::Closed);
    assert_eq!(ask(&open, request(ops)).await.status.as_u16(), 200);
    let mut foreign = request(ops);
    foreign.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    assert_eq!(ask(&open, foreign).await.failure(), 403);
}
