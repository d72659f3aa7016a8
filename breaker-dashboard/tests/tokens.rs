//! What the token opens, and what those see and may try who do not have it.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Method, Request};
use breaker_dashboard::Dashboard;
use breaker_runtime::State;
use common::{ADDRESS, Answer, SECRET, ask, circuit, dashboard, get, order, watched};
use serde_json::{Value, json};
use tokio::time::sleep;

const RIGHT: &str = "Bearer a-secret-of-these-tests";
const WRONG: &str = "Bearer a-guess-of-these-tests";

/// A request that carries a token, from an address.
fn with(token: &'static str, method: Method, path: &str, from: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:3030")
        .header("authorization", token)
        .header("x-breaker-control", "1")
        .extension(ConnectInfo(from.parse::<SocketAddr>().unwrap()))
        .body(Body::empty())
        .unwrap()
}

async fn check(router: &Router, token: &'static str, from: &str) -> Answer {
    ask(router, with(token, Method::GET, "/api/control", from)).await
}

async fn wrong_tokens(router: &Router) -> Value {
    get(router, "/api/circuits?limit=0").await.json()["wrong_tokens"].clone()
}

#[tokio::test]
async fn a_token_can_be_checked_without_an_order() {
    let router = dashboard();
    let right = check(&router, RIGHT, ADDRESS).await;
    assert_eq!((right.status.as_u16(), right.body.len()), (204, 0));
    assert_eq!(check(&router, WRONG, ADDRESS).await.failure(), 401);
    for (name, status) in [("authorization", 401), ("x-breaker-control", 403)] {
        let mut request = with(RIGHT, Method::GET, "/api/control", ADDRESS);
        request.headers_mut().remove(name);
        assert_eq!(ask(&router, request).await.failure(), status, "without `{name}`");
    }
    let mut foreign = with(RIGHT, Method::GET, "/api/control", ADDRESS);
    foreign.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
    assert_eq!(ask(&router, foreign).await.failure(), 403);
    assert_eq!(check(&Dashboard::new().into_router(), RIGHT, ADDRESS).await.failure(), 404);
}

#[tokio::test(start_paused = true)]
async fn ten_wrong_tokens_a_second_are_looked_at_and_no_more() {
    let router = dashboard();
    for _ in 0..10 {
        assert_eq!(check(&router, WRONG, ADDRESS).await.failure(), 401);
    }
    let order = || order(json!({ "name": "tokens.many", "action": "force_open" }).to_string());
    let target = circuit("tokens.many");
    let answers = [
        check(&router, WRONG, ADDRESS).await,
        check(&router, RIGHT, ADDRESS).await,
        ask(&router, order()).await,
        ask(&router, with(RIGHT, Method::GET, "/api/circuits", ADDRESS)).await,
    ];
    for answer in answers {
        assert_eq!(answer.failure(), 429, "whether it is right is not told");
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert_eq!(target.state(), State::Closed);
    assert_eq!(get(&router, "/api/circuits").await.status.as_u16(), 200, "without a token");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(check(&router, RIGHT, ADDRESS).await.status.as_u16(), 204);
}

#[tokio::test(start_paused = true)]
async fn no_second_has_more_than_ten_wrong_tokens_wherever_it_begins() {
    let router = dashboard();
    let mut looked_at = vec![];
    for tick in 0..100_u32 {
        if check(&router, WRONG, ADDRESS).await.failure() == 401 {
            looked_at.push(tick);
        }
        sleep(Duration::from_millis(30)).await;
    }
    assert!(looked_at.windows(11).all(|few| (few[10] - few[0]) * 30 >= 1_000), "{looked_at:?}");
    assert_eq!(looked_at.len(), 30, "{looked_at:?}");
}

#[tokio::test(start_paused = true)]
async fn right_tokens_are_not_limited() {
    let router = dashboard();
    for _ in 0..100 {
        assert_eq!(check(&router, RIGHT, ADDRESS).await.status.as_u16(), 204);
    }
    assert_eq!(wrong_tokens(&router).await, 0);
}

#[tokio::test(start_paused = true)]
async fn wrong_tokens_count_by_address_and_by_64_bits_of_ipv6() {
    let router = dashboard();
    for host in 0..10 {
        check(&router, WRONG, &format!("[2001:db8:0:7::{host:x}]:{}", 1000 + host)).await;
        check(&router, WRONG, &format!("192.0.2.1:{}", 1000 + host)).await;
    }
    let status = async |from: &str| check(&router, RIGHT, from).await.status.as_u16();
    for exhausted in ["[2001:db8:0:7:ffff::1]:1", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"] {
        assert_eq!(status(exhausted).await, 429, "{exhausted}");
    }
    for other in ["[2001:db8:0:8::1]:1", "192.0.2.2:1", "[::1]:1"] {
        assert_eq!(status(other).await, 204, "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_sources_than_are_remembered_share_ten_guesses() {
    let router = dashboard();
    let mut looked_at = 0;
    for number in 0..3_000_u32 {
        let from = SocketAddr::from((number.to_be_bytes(), 1));
        let answer = check(&router, WRONG, &from.to_string()).await;
        looked_at += u32::from(answer.failure() == 401);
    }
    assert!(looked_at <= 1_100, "{looked_at}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(check(&router, RIGHT, ADDRESS).await.status.as_u16(), 204);
}

#[tokio::test(start_paused = true)]
async fn wrong_tokens_are_counted_for_the_page() {
    let router = dashboard();
    assert_eq!(wrong_tokens(&router).await, 0);
    for _ in 0..12 {
        check(&router, WRONG, ADDRESS).await;
    }
    let mut none = with(RIGHT, Method::GET, "/api/control", "192.0.2.8:1");
    none.headers_mut().remove("authorization");
    ask(&router, none).await;
    assert_eq!(wrong_tokens(&router).await, 12, "those that were not looked at are among them");
    assert_eq!(watched(&router).await["wrong_tokens"], 12);
    assert_eq!(wrong_tokens(&Dashboard::new().into_router()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn who_switched_is_told_to_those_who_have_the_token() {
    let router = dashboard();
    circuit("tokens.who");
    let body = json!({ "name": "tokens.who", "action": "force_open", "for": 900 }).to_string();
    let told = ask(&router, order(body)).await.json();
    assert_eq!(told["override"]["by"], "192.0.2.7");
    let explained = "forced open by 192.0.2.7 for another 15m: every call is refused";
    assert_eq!(told["explanation"], explained);

    for path in ["/api/circuits/tokens.who", "/api/circuits?name=tokens.who"] {
        let open = get(&router, path).await;
        assert!(!open.text().contains("192.0.2.7"), "{}", open.text());
        let trusted = ask(&router, with(RIGHT, Method::GET, path, "192.0.2.9:1")).await.json();
        let circuit = trusted.get("circuits").map_or(&trusted, |circuits| &circuits[0]);
        assert_eq!(circuit["override"]["by"], "192.0.2.7");
        assert_eq!(circuit["explanation"], explained);
        assert_eq!(circuit["sentence"], "forced open for another 15m: every call is refused");
        let control = circuit["log"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&control["by"], &control["text"]),
            (&json!("192.0.2.7"), &json!("force_open for 900 s"))
        );
    }
    let streamed = watched(&router).await;
    assert!(!streamed.to_string().contains("192.0.2.7"), "{streamed}");
    let row =
        streamed["circuits"].as_array().unwrap().iter().find(|row| row["name"] == "tokens.who");
    let row = row.unwrap();
    assert_eq!(row["explanation"], "forced open for another 15m: every call is refused");
    assert_eq!(row.get("sentence"), None, "it is the explanation");
    assert_eq!(
        row["override"],
        json!({ "mode": "forced_open", "by": null, "left": 900.0, "then": "normal", "number": 1 })
    );
    for path in ["/metrics", "/healthz", "/"] {
        assert!(!get(&router, path).await.text().contains("192.0.2.7"), "{path}");
    }
}

#[tokio::test]
async fn a_read_with_a_wrong_token_is_refused_and_with_another_scheme_is_not_one_with_a_token() {
    let router = dashboard();
    circuit("tokens.read");
    for path in ["/api/circuits", "/api/circuits/tokens.read"] {
        let status = async |router: &Router, token| {
            ask(router, with(token, Method::GET, path, ADDRESS)).await.status.as_u16()
        };
        assert_eq!(status(&router, WRONG).await, 401);
        assert_eq!(status(&router, "Basic b3BzOm9wcw==").await, 200);
        assert_eq!(status(&Dashboard::new().into_router(), WRONG).await, 200, "nothing to guess");
    }
}

#[tokio::test]
async fn a_header_that_decides_is_not_taken_twice() {
    let router = dashboard();
    let target = circuit("tokens.twice");
    let twice = [
        ("authorization", RIGHT),
        ("authorization", "Basic b3BzOm9wcw=="),
        ("origin", "http://localhost:3030"),
        ("sec-fetch-site", "same-origin"),
    ];
    for (name, value) in twice {
        let mut request = order(json!({ "name": "tokens.twice", "action": "trip" }).to_string());
        let name = HeaderName::from_static(name);
        let headers = request.headers_mut();
        headers.insert("origin", HeaderValue::from_static("http://localhost:3030"));
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        headers.append(name.clone(), HeaderValue::from_static(value));
        assert_eq!(ask(&router, request).await.failure(), 400, "{name}");
    }
    let mut read = with(RIGHT, Method::GET, "/api/circuits", ADDRESS);
    read.headers_mut().append("authorization", HeaderValue::from_static(RIGHT));
    assert_eq!(ask(&router, read).await.failure(), 400);
    assert_eq!(target.state(), State::Closed);
    assert_eq!(SECRET, RIGHT.strip_prefix("Bearer ").unwrap());
}
