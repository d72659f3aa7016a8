//! What snapshots and events look like as JSON. `docs/json.md` is the schema.
//!
//! The files in `tests/json/` pin the output, field by field and in order. Programs parse it, so a change there is a
//! breaking change. `UPDATE_EXPECT=1 cargo test --test json` writes the files anew.

#[path = "json/search.rs"]
mod search;

use std::sync::mpsc;
use std::time::Duration;

use breaker_runtime::{
    Advice, CircuitBreaker, Clock, Config, Event, FleetStatus, FleetView, ManualClock, Mode,
    Opening, Override, Snapshot, registry,
};
use expect_test::{ExpectFile, expect_file};
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

/// Compares pretty-printed JSON with a golden file.
fn assert_golden(shown: &impl serde::Serialize, file: &ExpectFile) {
    file.assert_eq(&format!("{}\n", serde_json::to_string_pretty(shown).unwrap()));
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

    assert_golden(&circuit.snapshot(), &expect_file!["json/snapshot.json"]);
}

/// The verdict of a fleet that opens a circuit for almost no time: then calls must ask.
fn verdict() -> Advice {
    Advice::Open(Opening::new(Duration::from_nanos(1)).votes(3).of_members(8).needed(3))
}

/// Waits until that time is over, on a clock that may be coarse.
fn wait_until_over(circuit: &CircuitBreaker) {
    while circuit.snapshot().retry_after != Some(Duration::ZERO) {
        std::thread::yield_now();
    }
}

#[test]
fn a_circuit_of_a_fleet_says_what_the_fleet_says() {
    let (shared, _) = circuit(Config::new());
    for _ in 0..10 {
        shared.try_acquire().unwrap().success();
    }
    shared.advise(verdict(), SECOND * 15);
    let mut snapshot = shared.snapshot();
    let fleet = snapshot.fleet.insert(FleetView::default());
    (fleet.policy, fleet.votes, fleet.needed, fleet.members) = ("quorum", 3, 3, 8);
    (fleet.has_voted, fleet.settings) = (true, 2);
    fleet.prober = Some("pid-7-0a1b2c".to_owned());
    assert_golden(&snapshot.fleet, &expect_file!["json/fleet.json"]);
    assert_eq!(value(&snapshot)["vetoed"]["kind"], "fleet");
    snapshot.withhold_names();
    assert_eq!(value(&snapshot)["fleet"]["prober"], Value::Null);
}

#[test]
fn a_lease_says_who_holds_it_and_for_how_long() {
    let (shared, _) = circuit(Config::new());
    let lease = || value(&shared.snapshot())["lease"].clone();
    assert_eq!(lease(), Value::Null);
    shared.advise(verdict(), SECOND * 15);
    assert_eq!(lease(), json!({ "held_by": null, "left": null }));
    shared.advise(Advice::Wait(SECOND * 5), SECOND * 15);
    assert_eq!(lease(), json!({ "held_by": "other", "left": 5.0 }));
    shared.advise(Advice::Probe(SECOND * 5), SECOND * 15);
    assert_eq!(lease(), json!({ "held_by": "own", "left": 5.0 }));
}

#[test]
fn the_registry_lists_the_functions_of_a_circuit_and_their_conflicts() {
    search::search();
    let circuit =
        registry().get_or_create("json.search", Config::new().failure_threshold(9)).unwrap();
    circuit.override_for(Override::Mode(Mode::Disabled), Some(SECOND * 90), "ops").unwrap();
    circuit.override_for(Override::Option("cooldown", "5s"), Some(SECOND * 60), "ops").unwrap();
    let mut all = registry().snapshot();
    all.circuits.retain(|circuit| circuit.name == "json.search");
    // The clock runs. Its readings are replaced, so that the file stays the same.
    let snapshot = &mut all.circuits[0];
    snapshot.since = SECOND * 2;
    snapshot.mode_override.as_mut().unwrap().left = Some(SECOND * 88);
    snapshot.overrides[0].left = Some(SECOND * 58);
    all.refused = vec!["breaker.toml:3:12: `cooldown` needs a unit".to_owned()];
    let fleet = all.fleet.insert(FleetStatus::default());
    "shop-production".clone_into(&mut fleet.namespace);
    "redis://redis.internal/".clone_into(&mut fleet.engine);
    "pid-7-0a1b2c".clone_into(&mut fleet.member);
    (fleet.since, fleet.why) = (SECOND * 12, Some("connection refused".to_owned()));
    fleet.disconnects = 1;
    assert_golden(&all, &expect_file!["json/registry.json"]);
    let fleet = all.fleet.as_mut().unwrap();
    fleet.withhold_names();
    let shown = value(fleet);
    assert_eq!((&shown["engine"], &shown["member"]), (&Value::Null, &Value::Null));
}

#[test]
fn an_event_is_its_kind_and_what_the_kind_has() {
    let (told, heard) = mpsc::channel();
    let subscription = registry().subscribe(move |event| {
        if event.name == "json.events" {
            let _ = told.send(event.clone());
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
    circuit.override_for(Override::Option("cooldown", "5s"), None, "ops").unwrap();
    circuit.force_open();
    registry().get_or_create("json.events", Config::new().failure_threshold(2)).unwrap();
    circuit.reset();
    circuit.advise(verdict(), SECOND * 600);
    wait_until_over(&circuit);
    assert!(circuit.try_acquire().is_err());
    circuit.advise(Advice::Close, SECOND * 600);
    circuit.advise(verdict(), SECOND * 600);
    wait_until_over(&circuit);
    circuit.advise(Advice::Probe(SECOND * 600), SECOND * 600);
    let _probe = circuit.try_acquire().unwrap();
    circuit.advise(Advice::Ask, SECOND * 600);
    drop(subscription);

    let events: Vec<Event> = heard.iter().collect();
    assert_golden(&events, &expect_file!["json/events.json"]);
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
fn r27_a_circuit_that_recovers_says_its_share() {
    let config = Config::new().success_threshold(1).recovery(SECOND * 30);
    let (circuit, time) = circuit(config);
    circuit.trip();
    time.advance(SECOND * 60);
    assert_eq!(value(&circuit.snapshot())["recovering_share"], Value::Null);
    circuit.try_acquire().unwrap().success();
    time.advance(SECOND * 10);
    let shown = value(&circuit.snapshot());
    assert_eq!((&shown["state"], &shown["recovering_share"]), (&json!("recovering"), &json!(0.4)));
    assert!(circuit.try_acquire().is_err());
    assert_eq!(value(&circuit.snapshot())["rejected"]["recovering"], 1);
}

#[test]
fn the_schema_names_every_field() {
    let schema = include_str!("../docs/json.md");
    let (circuit, _) = circuit(Config::new());
    circuit.trip();
    let snapshot = value(&circuit.snapshot());
    let option = value(&Config::table().next().unwrap());
    let registry: Value = serde_json::from_str(include_str!("json/registry.json")).unwrap();
    let events: Value = serde_json::from_str(include_str!("json/events.json")).unwrap();
    let fleet: Value = serde_json::from_str(include_str!("json/fleet.json")).unwrap();
    let causes: Vec<_> =
        events.as_array().unwrap().iter().filter_map(|it| it["cause"].as_str()).collect();
    for word in causes.iter().chain(&["fleet", "probe_wanted"]) {
        assert!(schema.contains(&format!("`\"{word}\"`")), "`{word}` is not in docs/json.md");
    }
    let mut events = events.as_array().unwrap().iter();
    let reconfigured = events.find(|event| event["kind"] == "reconfigured").unwrap();
    for of in [
        &registry,
        &registry["fleet"],
        &fleet,
        &json!({ "held_by": null, "left": null }),
        reconfigured,
        &reconfigured["changes"][0],
        &registry["circuits"][0]["override"],
        &registry["circuits"][0]["overrides"][0],
        &snapshot,
        &option,
        &snapshot["calls"],
        &snapshot["rejected"],
        &snapshot["would_reject"],
        &snapshot["probes"],
        &snapshot["trip_reason"],
        &snapshot["outage"],
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
