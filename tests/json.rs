//! What snapshots and events look like as JSON. `docs/json.md` is the schema: whoever changes this changes
//! what others read.
#![recursion_limit = "256"]

use std::sync::mpsc;
use std::time::Duration;

use breaker_runtime::{
    CircuitBreaker, Clock, Config, ManualClock, Snapshot, circuit_breaker, registry,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

fn circuit(config: Config) -> (CircuitBreaker, ManualClock) {
    let time = ManualClock::new();
    let clock = Clock::Manual(time.clone());
    (CircuitBreaker::with_clock("payments", config, clock).unwrap(), time)
}

fn value(shown: &impl serde::Serialize) -> Value {
    serde_json::to_value(shown).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_snapshot_has_these_fields_and_no_others() {
    let config = Config::new()
        .failure_threshold(2)
        .time_window(SECOND * 30)
        .slow_call(SECOND / 4)
        .cooldown(SECOND * 10);
    let (circuit, time) = circuit(config);
    time.advance(SECOND * 5);
    for _ in 0..2 {
        circuit.try_acquire().unwrap().failure();
    }
    time.advance(SECOND * 5 / 2);
    assert!(circuit.try_acquire().is_err());

    let expected = json!({
        "name": "payments",
        "state": "open",
        "since": 2.5,
        "epoch": 1,
        "trip_reason": {
            "kind": "consecutive_failures",
            "failed": 2,
            "slow": 0,
            "calls": 2,
            "share": null,
            "threshold": 2.0,
            "text": "2 failures in a row",
        },
        "explanation": "open for 2s 500ms: 2 failures in a row; probes in 7s 500ms",
        "retry_after": 7.5,
        "probe_due": false,
        "failure_rate": null,
        "slow_call_rate": null,
        "consecutive_failures": 0,
        "consecutive_successes": null,
        "probes": { "in_flight": 0, "successes": 0, "failures": 0, "lost": 0 },
        "window_calls": 0,
        "window_failures": 0,
        "window_slow_calls": 0,
        "in_flight": 0,
        "calls": {
            "started": 2,
            "success": 0,
            "failure": 2,
            "ignored": 0,
            "cancelled": 0,
            "slow": 0,
            "late": 0,
            "timed_out": 0,
            "panicked": 0,
        },
        "rejected": { "open": 1, "half_open_full": 0, "forced_open": 0, "bulkhead_full": 0 },
        "transitions": 1,
        "transition_counts": [{ "from": "closed", "to": "open", "count": 1 }],
        "open_time": 2.5,
        "last_failure": 2.5,
        "last_success": null,
        "override": null,
        "config": {
            "failure_threshold": 2,
            "failure_rate": null,
            "window": { "seconds": 30.0 },
            "minimum_calls": 10,
            "slow_call": 0.25,
            "slow_call_rate": 0.5,
            "cooldown": 10.0,
            "cooldown_multiplier": 1.0,
            "cooldown_max": 100.0,
            "cooldown_jitter": 0.0,
            "half_open_max_calls": 3,
            "success_threshold": 3,
            "half_open_failure_threshold": 2,
            "probe_timeout": 30.0,
            "max_concurrent": null,
            "max_wait": 0.0,
            "stated": ["failure_threshold", "window", "slow_call", "cooldown"],
        },
        "decided_by": null,
        "sites": [],
        "conflicts": [],
        "conflict_count": 0,
    });
    let text = serde_json::to_string(&circuit.snapshot()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    // And in this order, for people.
    assert_eq!(text.find("\"name\""), Some(1));
    assert!(text.find("\"explanation\"") < text.find("\"sites\""));
}

#[circuit_breaker(name = "json.search", failure_threshold = 3)]
fn search() -> Option<()> {
    Some(())
}

#[test]
fn the_registry_tells_the_functions_of_a_circuit_and_their_conflicts() {
    search();
    registry().get_or_create("json.search", Config::new().failure_threshold(9)).unwrap();
    let all = value(&registry().snapshot());
    assert_eq!(keys(&all), ["circuits"]);
    let circuits = all["circuits"].as_array().unwrap();
    let circuit = circuits.iter().find(|circuit| circuit["name"] == "json.search").unwrap();
    let site = &circuit["decided_by"];
    assert_eq!(
        (&site["function"], &site["module"], &site["file"]),
        (&json!("search"), &json!("json"), &json!(file!()))
    );
    assert_eq!(keys(site), ["column", "file", "function", "line", "module"]);
    assert_eq!(circuit["sites"], json!([site]));
    assert_eq!(circuit["config"]["window"], json!({ "calls": 100 }));

    assert_eq!(circuit["conflict_count"], 1);
    let conflict = &circuit["conflicts"][0];
    assert_eq!(keys(conflict), ["decided", "name", "refused"]);
    assert_eq!(conflict["decided"]["site"], *site);
    assert_eq!(conflict["refused"]["site"], Value::Null);
    assert_eq!(conflict["refused"]["config"]["failure_threshold"], 9);
    assert_eq!(conflict["refused"]["config"]["stated"], json!(["failure_threshold"]));
}

#[test]
fn an_event_is_its_kind_and_what_the_kind_has() {
    let (told, heard) = mpsc::channel();
    let subscription = registry().subscribe(move |event| {
        if event.name == "json.events" {
            let _ = told.send(value(event));
        }
    });
    let config = Config::new().failure_threshold(1).cooldown(Duration::MAX);
    let circuit = registry().get_or_create("json.events", config).unwrap();
    let [late, cancelled] = [(); 2].map(|()| circuit.try_acquire().unwrap());
    circuit.try_acquire().unwrap().failure();
    assert!(circuit.try_acquire().is_err());
    late.success();
    drop(cancelled);
    circuit.reset();
    circuit.force_open();
    registry().get_or_create("json.events", Config::new().failure_threshold(2)).unwrap();
    drop(subscription);

    let events: Vec<_> = heard.iter().collect();
    assert_eq!(
        events[..6],
        [
            json!({
                "name": "json.events", "sequence": 1, "missed": 0, "kind": "transition", "from": "closed", "to": "open",
                "cause": "tripped", "retry_after": null, "text": "closed -> open: 1 failure in a row",
                "trip_reason": {
                    "kind": "consecutive_failures", "failed": 1, "slow": 0, "calls": 1, "share": null,
                    "threshold": 1.0, "text": "1 failure in a row",
                },
            }),
            json!({
                "name": "json.events", "sequence": 2, "missed": 0, "kind": "rejected", "reason": "open", "retry_after": null,
            }),
            json!({ "name": "json.events", "sequence": 3, "missed": 0, "kind": "late", "outcome": "success" }),
            json!({ "name": "json.events", "sequence": 4, "missed": 0, "kind": "late", "outcome": "cancelled" }),
            json!({
                "name": "json.events", "sequence": 5, "missed": 0, "kind": "transition", "from": "open", "to": "closed",
                "cause": "reset", "trip_reason": null, "retry_after": null, "text": "open -> closed: reset()",
            }),
            json!({
                "name": "json.events", "sequence": 6, "missed": 0, "kind": "transition", "from": "closed", "to": "forced_open",
                "cause": "forced_open", "trip_reason": null, "retry_after": null,
                "text": "closed -> forced_open: force_open()",
            }),
        ]
    );
    assert_eq!(keys(&events[6]), ["conflict", "kind", "missed", "name", "sequence", "text"]);
    assert_eq!(events[6]["conflict"]["refused"]["config"]["failure_threshold"], 2);
}

#[test]
fn every_cause_and_reason_has_its_word() {
    let (circuit, time) =
        circuit(Config::new().failure_rate(0.5).minimum_calls(2).half_open_max_calls(1));
    let kind = |snapshot: Snapshot| value(&snapshot)["trip_reason"]["kind"].clone();
    for _ in 0..2 {
        circuit.try_acquire().unwrap().failure();
    }
    assert_eq!(kind(circuit.snapshot()), "failure_rate");
    assert_eq!(value(&circuit.snapshot())["trip_reason"]["share"], 1.0);
    time.advance(SECOND * 60);
    let probe = circuit.try_acquire().unwrap();
    assert_eq!(value(&circuit.snapshot())["state"], "half_open");
    assert!(circuit.try_acquire().is_err());
    assert_eq!(value(&circuit.snapshot())["rejected"]["half_open_full"], 1);
    probe.failure();
    assert_eq!(kind(circuit.snapshot()), "failed_probes");
    circuit.reset();
    circuit.trip();
    assert_eq!(kind(circuit.snapshot()), "manual");
    circuit.disable();
    assert_eq!(value(&circuit.snapshot())["state"], "disabled");
}

#[test]
fn the_schema_names_every_field() {
    let schema = include_str!("../docs/json.md");
    let (circuit, _) = circuit(Config::new());
    circuit.trip();
    let snapshot = value(&circuit.snapshot());
    for of in [
        &snapshot,
        &snapshot["calls"],
        &snapshot["rejected"],
        &snapshot["probes"],
        &snapshot["config"],
        &snapshot["trip_reason"],
    ] {
        for key in keys(of) {
            let is_named = ["`", "{", " "].iter().any(|before| {
                ["`", ",", "}"]
                    .iter()
                    .any(|after| schema.contains(&format!("{before}{key}{after}")))
            });
            assert!(is_named, "`{key}` is not in docs/json.md");
        }
    }
}

proptest! {
    /// Through text and back, nothing is lost: not a bit of a number, nor a character of a name.
    #[test]
    fn json_makes_the_round_trip(
        name in "\\PC{1,32}",
        cooldown in 1..u64::MAX,
        rate in 0.001..=1.0,
        outcomes in prop::collection::vec(any::<bool>(), 0..40),
        waited in 0..u64::MAX / 4,
    ) {
        let time = ManualClock::new();
        let config = Config::new().failure_rate(rate).cooldown(Duration::from_nanos(cooldown));
        let circuit = CircuitBreaker::with_clock(name.as_str(), config, Clock::Manual(time.clone())).unwrap();
        for is_good in outcomes {
            if let Ok(permit) = circuit.try_acquire() {
                if is_good { permit.success() } else { permit.failure() }
            }
        }
        time.advance(Duration::from_nanos(waited));
        let snapshot = circuit.snapshot();
        let text = serde_json::to_string(&snapshot).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &value(&snapshot));
        prop_assert_eq!(&read["name"], &json!(name));
        prop_assert_eq!(read["failure_rate"].as_f64(), snapshot.failure_rate);
        prop_assert_eq!(read["since"].as_f64(), Some(snapshot.since.as_secs_f64()));
        prop_assert_eq!(read["retry_after"].as_f64(), snapshot.retry_after.map(|left| left.as_secs_f64()));
        prop_assert_eq!(read["calls"]["started"].as_u64(), Some(snapshot.calls.started));
        prop_assert_eq!(read["config"]["cooldown"].as_f64(), Some(snapshot.config.settings().cooldown.as_secs_f64()));
        prop_assert_eq!(&read["explanation"], &json!(snapshot.explain()));
    }
}
