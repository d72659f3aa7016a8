//! The last 1, 15 and 60 minutes of circuits.

mod common;

use std::time::Duration;

use breaker_runtime::{Layer, Override, Statement, registry};
use common::{circuit, dashboard, get};
use serde_json::{Value, json};
use tokio::time::sleep;

/// Half a second after the dashboard looked first.
async fn watched() -> axum::Router {
    let router = dashboard();
    sleep(Duration::from_millis(500)).await;
    router
}

#[tokio::test(start_paused = true)]
async fn calls_and_the_worst_states_are_kept_for_a_minute_a_quarter_and_an_hour() {
    let known = circuit("histories.known");
    let router = watched().await;
    for second in 1..=40 {
        known.try_acquire().unwrap().success();
        if second == 20 {
            // It is closed again before anybody looks.
            known.trip();
            known.reset();
        }
        sleep(Duration::from_secs(1)).await;
    }
    for path in ["/api/circuits/histories.known", "/api/circuits?name=histories.known"] {
        let told = get(&router, path).await.json();
        let told = if told["circuits"].is_array() { &told["circuits"][0] } else { &told };
        let histories = &told["histories"];
        assert_eq!(histories["15"]["ok"], json!([15, 15, 10]));
        assert_eq!(histories["15"]["state"], json!(["c", "o", "c"]));
        assert_eq!(
            histories["60"],
            json!({
                "step": 60, "ok": [40], "failed": [0], "rejected": [0], "state": ["o"],
            })
        );
        let minute = &histories["1"];
        assert_eq!((&minute["step"], minute["ok"].as_array().unwrap().len()), (&json!(1), 40));
        assert_eq!((&minute["state"][18], &minute["state"][19]), (&json!("c"), &json!("o")));
    }
    sleep(Duration::from_secs(3_600)).await;
    let histories = get(&router, "/api/circuits/histories.known").await.json()["histories"].clone();
    for minutes in ["1", "15", "60"] {
        assert_eq!(histories[minutes]["ok"], json!(vec![0; 60]), "{minutes}");
    }
}

#[tokio::test(start_paused = true)]
async fn changes_of_settings_and_overrides_are_marked() {
    let marked = circuit("histories.marked");
    let router = watched().await;
    let stated = Statement::new("histories.marked", "cooldown", "5s", "breaker.toml:3");
    registry().apply(Layer::File, vec![stated]).unwrap();
    sleep(Duration::from_secs(2)).await;
    marked.override_for(Override::Option("cooldown", "9s"), None, "198.51.100.9").unwrap();
    sleep(Duration::from_secs(2)).await;
    let told = get(&router, "/api/circuits/histories.marked").await.json();
    let marks = told["marks"].as_array().unwrap();
    let kinds: Vec<_> = marks.iter().map(|mark| mark["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["config", "override"]);
    assert_eq!((&marks[0]["at"], &marks[1]["at"]), (&json!(0.5), &json!(2.5)));
    assert!(marks[0]["text"].as_str().unwrap().starts_with("cooldown=5s (was "));
    assert!(!told["marks"].to_string().contains("198.51.100.9"));
    registry().apply(Layer::File, vec![]).unwrap();
}

#[tokio::test(start_paused = true)]
async fn histories_of_all_circuits_come_in_one_answer() {
    let [one, worst] = ["histories.all-one", "histories.all-worst"].map(circuit);
    let router = watched().await;
    one.try_acquire().unwrap().failure();
    worst.trip();
    sleep(Duration::from_secs(1)).await;
    let all = get(&router, "/api/histories?minutes=15&contains=histories.all").await;
    assert_eq!(all.headers["vary"], "accept-encoding");
    let all = all.json();
    assert_eq!(
        (&all["step"], &all["matching"], &all["next"]),
        (&json!(15), &json!(2), &Value::Null)
    );
    assert_eq!(
        all["circuits"]["histories.all-one"],
        json!({
            "ok": [0], "failed": [1], "rejected": [0], "state": ["c"],
        })
    );
    assert_eq!(all["circuits"]["histories.all-worst"]["state"], json!(["o"]));
    assert!(all["boot"].is_string() && all["second"] == 1);
    for query in ["", "?minutes=5", "?minutes=15&minutes=15", "?minutes=15&after=x", "?minutes=x"] {
        assert_eq!(get(&router, &format!("/api/histories{query}")).await.failure(), 400, "{query}");
    }
}
