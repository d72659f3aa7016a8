//! Health, in a process in which only observed circuits are open.

mod common;

use breaker_runtime::{Mode, Override, State};
use common::{circuit, dashboard, get};
use serde_json::json;

#[tokio::test]
async fn r25_an_observed_circuit_makes_nothing_unwell() {
    let (router, circuit) = (dashboard(), circuit("observed.open"));
    circuit.override_for(Override::Mode(Mode::Observe), None, "").unwrap();
    circuit.trip();
    assert_eq!(circuit.state(), State::Open);
    let strict = get(&router, "/healthz?strict").await;
    assert_eq!(strict.status.as_u16(), 200);
    assert_eq!(
        strict.json(),
        json!({
            "status": "ok", "total": 1, "open": 0, "half_open": 0, "recovering": 0, "forced_open": 0, "disabled": 0,
            "observed": 1,
        })
    );
    let row = &common::watched(&router).await["circuits"][0];
    assert_eq!((&row["mode"], &row["would_reject"]), (&json!("observe"), &json!(0)));
    let (explained, sentence) = (row["explanation"].as_str(), row["sentence"].as_str());
    assert_eq!(explained.unwrap(), format!("observed: {}", sentence.unwrap()));

    // From now on it is in the way of calls.
    circuit.override_for(Override::Option("mode", "normal"), None, "").unwrap();
    circuit.reset();
    circuit.trip();
    let strict = get(&router, "/healthz?strict").await;
    assert_eq!((strict.status.as_u16(), &strict.json()["open"]), (503, &json!(1)));
}
