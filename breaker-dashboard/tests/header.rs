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

#[tokio::test(start_paused = true)]
async fn a_list_begins_with_the_circuit_that_refuses_most_and_can_be_sorted_by_name() {
    let all = ["header.sort-a", "header.sort-b", "header.sort-c"].map(circuit);
    let router = common::dashboard();
    sleep(Duration::from_millis(500)).await;
    for (circuit, refused) in all.iter().zip([1, 3, 2]) {
        circuit.trip();
        (0..refused).for_each(|_| assert!(circuit.try_acquire().is_err()));
    }
    sleep(Duration::from_secs(1)).await;
    let names = async |query: &str| {
        let list = get(&router, &format!("/api/circuits?contains=header.sort{query}")).await.json();
        let rows = list["circuits"].as_array().unwrap().iter();
        let names: Vec<_> = rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect();
        (names.join(" ").replace("header.sort-", ""), list["next"].clone())
    };
    assert_eq!(names("").await.0, "b c a");
    assert_eq!(names("&sort=worst").await.0, "b c a");
    assert_eq!(names("&sort=name").await.0, "a b c");
    for (sort, rest) in [("worst", "c a"), ("name", "b c")] {
        let (_, next) = names(&format!("&sort={sort}&limit=1")).await;
        let next = next.as_str().unwrap();
        assert_eq!(names(&format!("&sort={sort}&after={next}")).await.0, rest);
    }
    assert_eq!(get(&router, "/api/circuits?sort=size").await.failure(), 400);
}
