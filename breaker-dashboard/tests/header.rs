//! What every answer says about the process and the last minute, and what rows say about impact.

mod common;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use breaker_dashboard::{Dashboard, Token};
use common::{SECRET, ask, circuit, get, watched};
use serde_json::{Value, json};
use tokio::time::sleep;

#[tokio::test]
async fn every_answer_says_which_service_and_process_it_is() {
    let dashboard = Dashboard::new().title("checkout, pod 7").version("1.4.2");
    let router = dashboard.with_controls(Token::new(SECRET).unwrap()).into_router();
    let service = |answer: &Value| {
        let service = answer["service"].clone();
        assert!(service["started"].as_f64().unwrap() >= 0.0);
        [&service["title"], &service["version"], &service["host"], &service["pid"]]
            .map(Clone::clone)
    };
    let public = [json!("checkout, pod 7"), json!("1.4.2"), Value::Null, Value::Null];
    for path in ["/api/circuits?limit=0", "/api/log"] {
        assert_eq!(service(&get(&router, path).await.json()), public, "{path}");
    }
    assert_eq!(service(&watched(&router).await), public);
    let request = Request::get("/api/circuits?limit=0").header("host", "localhost");
    let request = request.header("authorization", format!("Bearer {SECRET}"));
    let trusted = ask(&router, request.body(Body::empty()).unwrap()).await.json();
    assert_eq!(service(&trusted)[3], json!(std::process::id()), "the token shows it");

    let shown = Dashboard::new().show_process().into_router();
    let shown = service(&watched(&shown).await);
    assert_eq!((&shown[0], &shown[3]), (&Value::Null, &json!(std::process::id())));
}

#[tokio::test(start_paused = true)]
async fn the_header_has_the_last_minute_of_all_circuits_and_rows_have_theirs() {
    let (dead, well) = (circuit("header.dead"), circuit("header.well"));
    let router = common::dashboard();
    sleep(Duration::from_millis(500)).await;
    (0..10).for_each(|_| well.try_acquire().unwrap().success());
    dead.try_acquire().unwrap().failure();
    dead.trip();
    (0..4).for_each(|_| assert!(dead.try_acquire().is_err()));
    sleep(Duration::from_secs(2)).await;
    let answer = watched(&router).await;
    assert_eq!(answer["minute"], json!({ "ok": 10, "failed": 1, "rejected": 4 }));
    let row = answer["circuits"][0].clone();
    assert_eq!((&row["name"], &row["rank"]), (&json!("header.dead"), &json!(0)));
    assert_eq!(row["minute_calls"], json!({ "ok": 0, "failed": 1, "rejected": 4 }));
    assert_eq!((&row["refused_per_second"], &row["failed_per_second"]), (&json!(2.0), &json!(0.5)));
    sleep(Duration::from_secs(15)).await;
    let row = watched(&router).await["circuits"][0].clone();
    assert_eq!(
        (&row["refused_per_second"], &row["minute_calls"]["rejected"]),
        (&json!(0.0), &json!(4))
    );
    sleep(Duration::from_secs(60)).await;
    let answer = watched(&router).await;
    assert_eq!(answer["minute"], json!({ "ok": 0, "failed": 0, "rejected": 0 }));
    assert_eq!(answer["circuits"][0]["rejected"], 4, "the total stays");
}
