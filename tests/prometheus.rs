//! Metrics as Prometheus reads them.

mod common;
#[path = "prometheus/exposition.rs"]
mod exposition;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use breaker_runtime::{
    Advice, CircuitBreaker, Config, FleetStatus, FleetView, MetricNames, Mode, Opening, Override,
    RegistrySnapshot, Snapshot, State, circuit_breaker, registry,
};
use common::{COOLDOWN, SECOND, circuit, due, fail, pass_cooldown, succeed};
use exposition::{Sample, read};
use proptest::prelude::*;

const BOTH: [MetricNames; 2] = [MetricNames::Breaker, MetricNames::Resilience4j];

/// A registry of those circuits.
fn of(circuits: impl IntoIterator<Item = Snapshot>) -> RegistrySnapshot {
    let mut registry = registry().snapshot();
    registry.circuits = circuits.into_iter().collect();
    registry
}

fn samples(circuit: &CircuitBreaker, names: MetricNames) -> Vec<Sample> {
    read(&of([circuit.snapshot()]).prometheus(names).to_string())
}

/// The value of the sample with those labels, besides the circuit's name.
fn value(samples: &[Sample], metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let fits = |it: &&Sample| {
        let has = |(name, value): &(&str, &str)| it.label(name) == Some(*value);
        it.metric == metric && it.labels.len() == labels.len() + 1 && labels.iter().all(has)
    };
    samples.iter().find(fits).map(|it| it.value)
}

fn metrics(samples: &[Sample]) -> BTreeSet<&str> {
    samples.iter().map(|it| it.metric.as_str()).collect()
}

/// A circuit that has something to say of everything: 10 calls in its window, of which 2 failed, 1 was slow
/// and 1 is under way besides.
fn eloquent() -> CircuitBreaker {
    let config = Config::new().failure_threshold(9).failure_rate(0.5).slow_call(SECOND);
    let (circuit, time) = circuit(config.max_concurrent(4).timings(true));
    succeed(&circuit, 7);
    let slow = circuit.try_acquire().unwrap();
    time.advance(2 * SECOND);
    slow.success();
    fail(&circuit, 2);
    circuit.try_acquire().unwrap().ignore();
    std::mem::forget(circuit.try_acquire().unwrap());
    circuit
}

/// A circuit that recovers after a call hung, and refuses all but every tenth call.
fn recovering() -> CircuitBreaker {
    let config = Config::new().failure_threshold(1).success_threshold(1).hung_after(SECOND);
    let (circuit, time) = circuit(config.recovery(COOLDOWN));
    let hangs = circuit.try_acquire().unwrap();
    time.advance(2 * SECOND);
    assert!(circuit.try_acquire().is_err());
    hangs.success();
    for _ in 0..2 {
        // A circuit that recovers already opens again.
        circuit.trip();
        pass_cooldown(&circuit, &time);
        succeed(&circuit, 1);
    }
    assert!((0..9).all(|_| circuit.try_acquire().is_err()));
    circuit
}

/// A circuit for which one vote is missing.
fn shared(mut circuit: Snapshot) -> Snapshot {
    let fleet = circuit.fleet.insert(FleetView::default());
    (fleet.votes, fleet.needed, fleet.members, fleet.settings) = (2, 3, 8, 1);
    circuit
}

fn connected() -> FleetStatus {
    let mut fleet = FleetStatus::default();
    (fleet.connected, fleet.members, fleet.disconnects) = (true, 8, 2);
    fleet
}

#[test]
fn a_registry_reads_like_this() {
    let (open, time) = circuit(Config::new());
    open.trip();
    time.advance(COOLDOWN / 4);
    assert!(open.try_acquire().is_err());
    let mut mail = eloquent().snapshot();
    "mail".clone_into(&mut mail.name);
    let mut catalog = recovering().snapshot();
    "catalog".clone_into(&mut catalog.name);
    let mut registry = of([shared(mail), open.snapshot(), catalog]);
    registry.fleet = Some(connected());
    let text = registry.prometheus(MetricNames::Breaker).to_string();
    check("prometheus/breaker.txt", &text);
}

/// Compares with a file of `tests`, or rewrites it with `UPDATE_EXPECT=1`.
#[track_caller]
fn check(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(path).unwrap());
}

#[test]
fn a_registry_reads_like_this_to_dashboards_of_resilience4j() {
    let mut mail = eloquent().snapshot();
    "mail".clone_into(&mut mail.name);
    let new = circuit(Config::new().time_window(SECOND)).0.snapshot();
    let mut catalog = recovering().snapshot();
    "catalog".clone_into(&mut catalog.name);
    let text = of([mail, new, catalog]).prometheus(MetricNames::Resilience4j).to_string();
    check("prometheus/resilience4j.txt", &text);
}

#[test]
fn a_registry_of_nothing_has_no_metrics() {
    for names in BOTH {
        assert_eq!(of([]).prometheus(names).to_string(), "");
    }
}

#[test]
fn d39_exactly_one_state_is_1_in_every_state() {
    let (closed, open, forced, disabled) = (
        circuit(Config::new()).0,
        circuit(Config::new()).0,
        circuit(Config::new()).0,
        circuit(Config::new()).0,
    );
    let half_open = due(Config::new()).0;
    let _probe = half_open.try_acquire().unwrap();
    open.trip();
    forced.force_open();
    disabled.disable();
    for circuit in [&closed, &open, &half_open, &forced, &disabled] {
        let states = [
            (MetricNames::Breaker, "breaker_state", 6),
            (MetricNames::Resilience4j, "resilience4j_circuitbreaker_state", 7),
        ];
        for (names, metric, count) in states {
            let mut states = samples(circuit, names);
            states.retain(|it| it.metric == metric);
            assert_eq!(states.len(), count);
            states.retain(|it| it.value != 0.0);
            let [state] = states.as_slice() else { panic!("one state, not {states:?}") };
            assert_eq!(Some(state.value), Some(1.0));
            assert_eq!(state.label("state"), Some(circuit.state().as_str()));
        }
    }
}

#[test]
fn metrics_have_the_numbers_of_the_snapshot() {
    let circuit = eloquent();
    let samples = samples(&circuit, MetricNames::Breaker);
    let seen = |metric: &str, labels: &[(&str, &str)]| value(&samples, metric, labels);
    let calls = |outcome| seen("breaker_calls_total", &[("outcome", outcome)]);
    assert_eq!(calls("success"), Some(8.0));
    assert_eq!(calls("failure"), Some(2.0));
    assert_eq!(calls("ignored"), Some(1.0));
    assert_eq!(calls("cancelled"), Some(0.0));
    assert_eq!(seen("breaker_slow_calls_total", &[]), Some(1.0));
    assert_eq!(seen("breaker_in_flight", &[]), Some(1.0));
    assert_eq!(seen("breaker_max_concurrent", &[]), Some(4.0));
    assert_eq!(seen("breaker_window_calls", &[]), Some(10.0));
    assert_eq!(seen("breaker_window_failures", &[]), Some(2.0));
    assert_eq!(seen("breaker_window_slow_calls", &[]), Some(1.0));
    assert_eq!(seen("breaker_failure_ratio", &[]), Some(0.2));
    assert_eq!(seen("breaker_failure_ratio_threshold", &[]), Some(0.5));
    assert_eq!(seen("breaker_slow_call_ratio", &[]), Some(0.1));
    assert_eq!(seen("breaker_slow_call_ratio_threshold", &[]), Some(0.5));
    assert_eq!(seen("breaker_consecutive_failures", &[]), Some(2.0));
    assert_eq!(seen("breaker_consecutive_failures_threshold", &[]), Some(9.0));
    assert_eq!(seen("breaker_state_age_seconds", &[]), Some(2.0));
}

#[test]
fn time_spent_open_is_counted_while_it_lasts() {
    let (circuit, time) = circuit(Config::new().cooldown(COOLDOWN));
    circuit.trip();
    time.advance(SECOND / 4);
    let open = samples(&circuit, MetricNames::Breaker);
    assert_eq!(value(&open, "breaker_open_seconds_total", &[]), Some(0.25));
    assert_eq!(value(&open, "breaker_retry_after_seconds", &[]), Some(59.75));
    time.advance(COOLDOWN);
    let due = samples(&circuit, MetricNames::Breaker);
    assert_eq!(value(&due, "breaker_retry_after_seconds", &[]), Some(0.0));

    circuit.reset();
    let closed = samples(&circuit, MetricNames::Breaker);
    assert_eq!(value(&closed, "breaker_open_seconds_total", &[]), Some(60.25));
    assert_eq!(value(&closed, "breaker_retry_after_seconds", &[]), None);
}

#[test]
fn an_outage_is_as_long_as_all_of_its_openings_and_probes() {
    let (circuit, time) = circuit(Config::new().cooldown(COOLDOWN));
    let outage = || value(&samples(&circuit, MetricNames::Breaker), "breaker_outage_seconds", &[]);
    assert_eq!(outage(), None);
    circuit.trip();
    pass_cooldown(&circuit, &time);
    circuit.try_acquire().unwrap().failure();
    time.advance(SECOND / 4);
    assert_eq!(outage(), Some(60.25));
    circuit.reset();
    assert_eq!(outage(), None);
}

#[test]
fn an_opening_without_end_has_no_time_until_a_probe() {
    let circuit = circuit(Config::new().cooldown(Duration::MAX)).0;
    circuit.trip();
    assert!(
        !metrics(&samples(&circuit, MetricNames::Breaker)).contains("breaker_retry_after_seconds")
    );
}

#[test]
fn the_ways_of_a_circuit_are_counted_from_zero_and_those_by_hand_once_taken() {
    let circuit = circuit(Config::new()).0;
    let ways = |samples: &[Sample]| {
        let ways = samples.iter().filter(|it| it.metric == "breaker_transitions_total");
        let way = |it: &Sample| {
            let state = |label| it.label(label).unwrap().to_owned();
            (state("from"), state("to"), it.value)
        };
        ways.map(way).map(|(from, to, count)| format!("{from} {to} {count}")).collect::<Vec<_>>()
    };
    let its_own =
        ["closed open 0", "open half_open 0", "half_open closed 0", "half_open open 0"].as_slice();
    assert_eq!(ways(&samples(&circuit, MetricNames::Breaker)), its_own);
    circuit.force_open();
    assert_eq!(
        ways(&samples(&circuit, MetricNames::Breaker)),
        [its_own, &["closed forced_open 1"]].concat()
    );
}

#[test]
fn r18_there_is_no_ratio_before_minimum_calls() {
    let circuit = circuit(Config::new().failure_rate(1.0).slow_call(SECOND).minimum_calls(3)).0;
    fail(&circuit, 2);
    let early = samples(&circuit, MetricNames::Breaker);
    for ratio in ["breaker_failure_ratio", "breaker_slow_call_ratio"] {
        assert!(!metrics(&early).contains(ratio));
    }
    let theirs = samples(&circuit, MetricNames::Resilience4j);
    assert_eq!(value(&theirs, "resilience4j_circuitbreaker_failure_rate", &[]), Some(-1.0));
    assert_eq!(value(&theirs, "resilience4j_circuitbreaker_slow_call_rate", &[]), Some(-1.0));
    assert_eq!(
        value(&theirs, "resilience4j_circuitbreaker_buffered_calls", &[("kind", "failed")]),
        Some(2.0)
    );

    succeed(&circuit, 2);
    let judged = samples(&circuit, MetricNames::Breaker);
    assert_eq!(value(&judged, "breaker_failure_ratio", &[]), Some(0.5));
    let theirs = samples(&circuit, MetricNames::Resilience4j);
    assert_eq!(value(&theirs, "resilience4j_circuitbreaker_failure_rate", &[]), Some(50.0));
}

#[test]
fn limits_that_are_off_are_not_there() {
    let rated = samples(&circuit(Config::new().failure_rate(0.5)).0, MetricNames::Breaker);
    let counted = samples(&circuit(Config::new()).0, MetricNames::Breaker);
    assert!(!metrics(&rated).contains("breaker_consecutive_failures_threshold"));
    for limit in [
        "breaker_failure_ratio_threshold",
        "breaker_slow_call_ratio_threshold",
        "breaker_max_concurrent",
    ] {
        assert!(!metrics(&counted).contains(limit), "{limit}");
    }
}

#[test]
fn refusals_are_told_by_their_reason() {
    let (circuit, time) = circuit(Config::new().max_concurrent(2).half_open_max_calls(1));
    let other = circuit.try_acquire().unwrap();
    let permit = circuit.try_acquire().unwrap();
    assert!(circuit.try_acquire().is_err());
    permit.success();
    other.success();
    circuit.force_open();
    assert!(circuit.try_acquire().is_err());
    assert!(circuit.try_acquire().is_err());
    let ours = samples(&circuit, MetricNames::Breaker);
    let refused = |reason| value(&ours, "breaker_rejected_total", &[("reason", reason)]);
    let reasons = ["open", "half_open_full", "forced_open", "bulkhead_full"];
    assert_eq!(reasons.map(refused), [Some(0.0), Some(0.0), Some(2.0), Some(1.0)]);

    circuit.reset();
    circuit.trip();
    assert!(circuit.try_acquire().is_err());
    pass_cooldown(&circuit, &time);
    let _probe = circuit.try_acquire().unwrap();
    assert!(circuit.try_acquire().is_err());

    let theirs = samples(&circuit, MetricNames::Resilience4j);
    for metric in [
        "resilience4j_circuitbreaker_not_permitted_calls_total",
        "resilience4j_circuitbreaker_calls_total",
    ] {
        assert_eq!(value(&theirs, metric, &[("kind", "not_permitted")]), Some(4.0));
    }
}

#[test]
fn r25_what_an_observed_circuit_would_refuse_is_told_by_its_reason() {
    let config = Config::new().mode(Mode::Observe).max_concurrent(1).failure_threshold(1);
    let circuit = circuit(config).0;
    let held = circuit.try_acquire().unwrap();
    circuit.try_acquire().unwrap().success();
    held.failure();
    succeed(&circuit, 2);
    let ours = samples(&circuit, MetricNames::Breaker);
    let would = |reason| value(&ours, "breaker_would_reject_total", &[("reason", reason)]);
    assert_eq!(["open", "bulkhead_full"].map(would), [Some(2.0), Some(1.0)]);
    assert_eq!(would("forced_open"), None, "an order to refuse is not observed");
    let refused = |reason| value(&ours, "breaker_rejected_total", &[("reason", reason)]);
    assert_eq!(["open", "bulkhead_full"].map(refused), [Some(0.0), Some(0.0)]);

    // Other names have no words for it.
    let theirs = samples(&circuit, MetricNames::Resilience4j);
    let state = "resilience4j_circuitbreaker_state";
    assert_eq!(value(&theirs, state, &[("state", "open")]), Some(1.0));
    assert_eq!(value(&theirs, state, &[("state", "metrics_only")]), Some(0.0));
}

#[test]
fn exactly_one_mode_is_1_in_every_mode() {
    for mode in [Mode::Normal, Mode::Observe, Mode::Disabled, Mode::ForcedOpen] {
        let circuit = circuit(Config::new()).0;
        circuit.override_for(Override::Mode(mode), None, "").unwrap();
        let mut modes = samples(&circuit, MetricNames::Breaker);
        modes.retain(|it| it.metric == "breaker_mode");
        assert_eq!(modes.len(), 4);
        modes.retain(|it| it.value != 0.0);
        let [shown] = modes.as_slice() else { panic!("one mode, not {modes:?}") };
        assert_eq!((shown.value, shown.label("mode")), (1.0, Some(mode.as_str())));
    }
}

#[test]
fn while_half_open_the_buffered_calls_are_the_probes() {
    let circuit = due(Config::new().half_open_failure_threshold(2)).0;
    succeed(&circuit, 1);
    fail(&circuit, 1);
    assert_eq!(circuit.state(), State::HalfOpen);
    let samples = samples(&circuit, MetricNames::Resilience4j);
    for kind in ["successful", "failed"] {
        let buffered = "resilience4j_circuitbreaker_buffered_calls";
        assert_eq!(value(&samples, buffered, &[("kind", kind)]), Some(1.0));
    }
}

#[test]
fn f08_what_is_not_known_of_a_fleet_that_is_away_is_not_there() {
    let mut circuit = circuit(Config::new()).0.snapshot();
    circuit.fleet = Some(FleetView::default());
    let mut registry = of([circuit]);
    registry.fleet = Some(FleetStatus::default());
    let mut samples = read(&registry.prometheus(MetricNames::Breaker).to_string());
    samples.retain(|it| it.metric.starts_with("breaker_fleet_"));
    let values: Vec<_> = samples.iter().map(|it| (it.metric.as_str(), it.value)).collect();
    assert_eq!(
        values,
        [
            ("breaker_fleet_connected", 0.0),
            ("breaker_fleet_disconnects_total", 0.0),
            ("breaker_fleet_prober", 0.0),
            ("breaker_fleet_vetoed", 0.0)
        ]
    );
}

#[test]
fn f05_the_member_that_probes_for_all_is_the_one_with_the_lease() {
    let (circuit, time) = circuit(Config::new());
    let probers = || {
        let text = of([shared(circuit.snapshot())]).prometheus(MetricNames::Breaker).to_string();
        value(&read(&text), "breaker_fleet_prober", &[])
    };
    circuit.advise(Advice::Open(Opening::new(COOLDOWN)), 10 * COOLDOWN);
    time.advance(COOLDOWN);
    circuit.advise(Advice::Wait(SECOND), 10 * COOLDOWN);
    assert_eq!(probers(), Some(0.0));
    circuit.advise(Advice::Probe(SECOND), 10 * COOLDOWN);
    assert_eq!(probers(), Some(1.0));
}

#[test]
fn f04_a_circuit_that_does_not_follow_the_fleet_is_told_by_its_metric() {
    let circuit = circuit(Config::new()).0;
    succeed(&circuit, 10);
    circuit.advise(Advice::Open(Opening::new(COOLDOWN)), COOLDOWN);
    let text = of([shared(circuit.snapshot())]).prometheus(MetricNames::Breaker).to_string();
    assert_eq!(value(&read(&text), "breaker_fleet_vetoed", &[]), Some(1.0));
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let source = include_str!("../breaker-runtime/src/export/prometheus.rs");
    let rows = source.lines().filter_map(|line| line.strip_prefix("/// | `"));
    let documented: BTreeSet<_> = rows
        .flat_map(|row| {
            let name = row.split(['{', '`']).next().unwrap();
            let suffixes = if row.contains("| histogram |") {
                &["_bucket", "_sum", "_count"][..]
            } else {
                &[""]
            };
            suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
        })
        .collect();
    let open = circuit(Config::new()).0;
    open.trip();
    let circuits = [shared(eloquent().snapshot()), open.snapshot(), recovering().snapshot()];
    let mut text = distinct(of(circuits));
    text.fleet = Some(connected());
    let samples = read(&text.prometheus(MetricNames::Breaker).to_string());
    assert_eq!(metrics(&samples), documented.iter().map(String::as_str).collect());
}

#[test]
fn g04_a_flood_of_keys_makes_no_flood_of_metrics() {
    #[circuit_breaker(name = "flooded", key = key, max_keys = 3)]
    fn visit(key: u32) -> Option<u32> {
        Some(key)
    }
    (0..1000).for_each(|key| assert_eq!(visit(key), Some(key)));
    let mut samples = read(&registry().snapshot().prometheus(MetricNames::Breaker).to_string());
    samples
        .retain(|it| it.metric == "breaker_calls_total" && it.label("outcome") == Some("success"));
    samples.retain(|it| it.label("name").is_some_and(|name| name.starts_with("flooded")));
    assert_eq!(samples.len(), 4);
    assert_eq!(samples.iter().map(|it| it.value).sum::<f64>().to_string(), "1000");
}

/// The same circuits with a name for each.
fn distinct(mut registry: RegistrySnapshot) -> RegistrySnapshot {
    for (index, circuit) in registry.circuits.iter_mut().enumerate() {
        circuit.name = index.to_string();
    }
    registry
}

/// Any text at all, and above all what means something in the format.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        prop::sample::select(vec!['\\', '"', '\n', '\r', '{', '}', ',', '=', ' ', '#', 'n', '\0']),
    ];
    prop::collection::vec(character, 0..40).prop_map(|it| it.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn h07_a_name_of_any_text_is_one_label_and_injects_nothing(name in text(), other in text()) {
        prop_assume!(name != other);
        let circuits = [eloquent().snapshot(), eloquent().snapshot()];
        for names in BOTH {
            let mut registry = of(circuits.clone());
            let plain = read(&distinct(registry.clone()).prometheus(names).to_string());
            for (circuit, name) in registry.circuits.iter_mut().zip([&name, &other]) {
                circuit.name.clone_from(name);
            }
            let text = registry.prometheus(names).to_string();
            let heads = text.split('\n').filter(|line| line.starts_with("# ")).count();
            prop_assert_eq!(text.matches('\n').count(), plain.len() + heads);
            let named = read(&text);
            prop_assert_eq!(named.len(), plain.len());
            for (named, plain) in named.iter().zip(&plain) {
                let circuit = if plain.label("name") == Some("0") { &name } else { &other };
                prop_assert_eq!(named.label("name"), Some(circuit.as_str()));
                prop_assert_eq!(&named.labels[1..], &plain.labels[1..]);
                prop_assert_eq!((&named.metric, named.value), (&plain.metric, plain.value));
            }
        }
    }
}
