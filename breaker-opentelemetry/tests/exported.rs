//! What an SDK exports.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use breaker_opentelemetry::{observe, observe_registry};
use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, Registry, registry};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, InMemoryMetricExporterBuilder, Instrument, MeterProviderBuilder,
    SdkMeterProvider, Stream, Temporality,
};

/// The points of one collection: `breaker.calls{circuitbreaker.name=payments,outcome=success}` and the value.
type Exported = BTreeMap<String, String>;

struct Setup {
    own: Arc<Registry>,
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Setup {
    fn new() -> Self {
        Self::with(Temporality::Cumulative, |builder| builder)
    }

    fn with(
        temporality: Temporality,
        views: impl FnOnce(MeterProviderBuilder) -> MeterProviderBuilder,
    ) -> Self {
        Self::of(Registry::new(), temporality, views)
    }

    fn of(
        own: Registry,
        temporality: Temporality,
        views: impl FnOnce(MeterProviderBuilder) -> MeterProviderBuilder,
    ) -> Self {
        let own = Arc::new(own);
        let exporter = InMemoryMetricExporterBuilder::new().with_temporality(temporality).build();
        let builder = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone());
        let provider = views(builder).build();
        observe_registry(&provider.meter("test"), Arc::clone(&own));
        Self { own, provider, exporter }
    }

    fn collect(&self) -> Exported {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let exported = self.exporter.get_finished_metrics().unwrap();
        let scopes = exported.iter().flat_map(ResourceMetrics::scope_metrics);
        scopes.flat_map(ScopeMetrics::metrics).flat_map(points).collect()
    }
}

fn points(metric: &Metric) -> Vec<(String, String)> {
    match metric.data() {
        AggregatedMetrics::U64(data) => points_of(metric.name(), data),
        AggregatedMetrics::I64(data) => points_of(metric.name(), data),
        AggregatedMetrics::F64(data) => points_of(metric.name(), data),
    }
}

fn points_of<T: Copy + ToString>(name: &str, data: &MetricData<T>) -> Vec<(String, String)> {
    match data {
        MetricData::Gauge(it) => {
            it.data_points().map(|it| point(name, it.attributes(), &it.value())).collect()
        }
        MetricData::Sum(it) => {
            it.data_points().map(|it| point(name, it.attributes(), &it.value())).collect()
        }
        _ => panic!("{name} is a histogram"),
    }
}

fn point<'a>(
    name: &str,
    attributes: impl Iterator<Item = &'a KeyValue>,
    value: &impl ToString,
) -> (String, String) {
    let mut attributes: Vec<_> = attributes.map(|it| format!("{}={}", it.key, it.value)).collect();
    attributes.sort();
    (format!("{name}{{{}}}", attributes.join(",")), value.to_string())
}

/// The sum of the points whose text begins and ends so.
fn sum(exported: &Exported, begins: &str, ends: &str) -> i64 {
    let points = exported.iter().filter(|(it, _)| it.starts_with(begins) && it.ends_with(ends));
    points.map(|(_, value)| value.parse::<i64>().unwrap()).sum()
}

#[track_caller]
fn assert_has(exported: &Exported, point: &str, value: u32) {
    assert_eq!(exported.get(point), Some(&value.to_string()), "{point} in {exported:#?}");
}

#[test]
fn calls_and_refusals_are_exported_by_outcome_and_reason() {
    let setup = Setup::new();
    let payments = setup.own.circuit("payments", Config::new().failure_threshold(2)).unwrap();
    assert_eq!(payments.call(|| Ok::<_, &str>(1)), Ok(1));
    for _ in 0..2 {
        payments.try_acquire().unwrap().failure();
    }
    for _ in 0..3 {
        assert!(payments.try_acquire().is_err());
    }
    let exported = setup.collect();
    for (outcome, count) in [("success", 1), ("failure", 2), ("ignored", 0), ("cancelled", 0)] {
        let point = format!("breaker.calls{{circuitbreaker.name=payments,outcome={outcome}}}");
        assert_has(&exported, &point, count);
    }
    assert_has(&exported, "breaker.rejected{circuitbreaker.name=payments,reason=open}", 3);
    assert_has(
        &exported,
        "breaker.transitions{circuitbreaker.name=payments,from=closed,to=open}",
        1,
    );
}

#[test]
fn the_state_is_one_of_six_and_sums_count_circuits() {
    let setup = Setup::new();
    for name in ["one", "two", "three"] {
        setup.own.circuit(name, Config::new()).unwrap();
    }
    setup.own.get("one").unwrap().trip();
    setup.own.get("two").unwrap().force_open();
    let exported = setup.collect();
    for (state, count) in [
        ("closed", 1),
        ("open", 1),
        ("half_open", 0),
        ("forced_open", 1),
        ("disabled", 0),
        ("recovering", 0),
    ] {
        assert_eq!(sum(&exported, "breaker.state{", &format!("={state}}}")), count, "{state}");
    }
}

#[test]
fn what_is_unknown_is_left_out() {
    let setup = Setup::new();
    let payments = setup.own.circuit("payments", Config::new()).unwrap();
    let exported = setup.collect();
    for unknown in [
        "breaker.retry_after",
        "breaker.failure_ratio",
        "breaker.failure_ratio_threshold",
        "breaker.slow_call_ratio",
        "breaker.slow_call_ratio_threshold",
        "breaker.max_concurrent",
        "breaker.recovering_ratio",
        "breaker.outage",
    ] {
        assert!(!exported.contains_key(&format!("{unknown}{{circuitbreaker.name=payments}}")));
    }
    payments.trip();
    let exported = setup.collect();
    let left: f64 = exported["breaker.retry_after{circuitbreaker.name=payments}"].parse().unwrap();
    assert!((0.0..=60.0).contains(&left), "{left}");
    assert!(exported.contains_key("breaker.outage{circuitbreaker.name=payments}"));
}

/// A circuit that has just begun to recover.
fn recovering(setup: &Setup) -> Arc<CircuitBreaker> {
    let config = Config::new()
        .cooldown(Duration::from_nanos(1))
        .success_threshold(1)
        .recovery(Duration::from_secs(86_400));
    let circuit = setup.own.circuit("recovering", config).unwrap();
    circuit.trip();
    let probe = std::iter::repeat_with(|| circuit.try_acquire()).find_map(Result::ok);
    probe.expect("its cooldown is over").success();
    circuit
}

#[test]
fn a_circuit_that_recovers_tells_what_it_lets_in_and_refuses() {
    let setup = Setup::new();
    let circuit = recovering(&setup);
    for _ in 0..9 {
        assert!(circuit.try_acquire().is_err());
    }
    let exported = setup.collect();
    let of = |metric: &str, rest: &str| {
        exported[&format!("breaker.{metric}{{circuitbreaker.name=recovering{rest}}}")].clone()
    };
    assert_eq!(of("state", ",circuitbreaker.state=recovering"), "1");
    assert_eq!(of("rejected", ",reason=recovering"), "9");
    assert_eq!(of("hung_calls", ""), "0");
    let share: f64 = of("recovering_ratio", "").parse().unwrap();
    assert!((0.1..0.2).contains(&share), "{share}");
}

fn take(circuit: &CircuitBreaker, time: &ManualClock, calls: u32, takes: Duration) {
    for _ in 0..calls {
        let permit = circuit.try_acquire().unwrap();
        time.advance(takes);
        permit.success();
    }
}

fn bucket(outcome: &str, le: &str) -> String {
    format!("breaker.call_duration.bucket{{circuitbreaker.name=timed,le={le},outcome={outcome}}}")
}

#[test]
fn r30_how_long_calls_take_is_exported_in_buckets_that_add_up() {
    let time = ManualClock::new();
    let own = Registry::with_clock(Clock::Manual(time.clone()));
    let setup = Setup::of(own, Temporality::Cumulative, |builder| builder);
    let circuit = setup.own.circuit("timed", Config::new().timings(true)).unwrap();
    take(&circuit, &time, 3, Duration::from_millis(60));
    let permit = circuit.try_acquire().unwrap();
    time.advance(Duration::from_secs(20));
    permit.failure();
    setup.own.circuit("untimed", Config::new()).unwrap().try_acquire().unwrap().success();
    let exported = setup.collect();
    for (le, calls) in
        [("0.0005", 0), ("0.05", 0), ("0.1", 3), ("1.0", 3), ("10.0", 3), ("+Inf", 3)]
    {
        assert_has(&exported, &bucket("success", le), calls);
    }
    assert_has(&exported, &bucket("failure", "10.0"), 0);
    assert_has(&exported, &bucket("failure", "+Inf"), 1);
    let of = |metric: &str, outcome: &str| {
        let point = format!(
            "breaker.call_duration.{metric}{{circuitbreaker.name=timed,outcome={outcome}}}"
        );
        exported[&point].parse::<f64>().unwrap()
    };
    assert_eq!(
        [of("count", "success"), of("count", "failure")].map(|it| it.to_string()),
        ["3", "1"]
    );
    assert!((0.17..0.19).contains(&of("sum", "success")), "{}", of("sum", "success"));
    let durations = exported.keys().filter(|it| it.starts_with("breaker.call_duration."));
    assert_eq!(durations.count(), 34, "a circuit without timings has none");

    take(&circuit, &time, 2, Duration::from_secs(2));
    let exported = setup.collect();
    assert_has(&exported, &bucket("success", "1.0"), 3);
    assert_has(&exported, &bucket("success", "2.5"), 5);
}

#[test]
fn every_metric_is_exported_with_its_unit() {
    let setup = Setup::new();
    let config = Config::new()
        .failure_rate(0.5)
        .failure_threshold(9)
        .minimum_calls(1)
        .slow_call(Duration::from_secs(1))
        .max_concurrent(4)
        .timings(true);
    setup.own.circuit("judged", config).unwrap().try_acquire().unwrap().success();
    setup.own.circuit("open", Config::new()).unwrap().trip();
    recovering(&setup);
    setup.provider.force_flush().unwrap();
    let exported = setup.exporter.get_finished_metrics().unwrap();
    let metrics = exported[0].scope_metrics().flat_map(ScopeMetrics::metrics);
    let mut metrics: Vec<_> = metrics
        .map(|it| {
            let is_monotonic = match it.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => Some(sum.is_monotonic()),
                AggregatedMetrics::I64(MetricData::Sum(sum)) => Some(sum.is_monotonic()),
                AggregatedMetrics::F64(MetricData::Sum(sum)) => Some(sum.is_monotonic()),
                _ => None,
            };
            let kind = match is_monotonic {
                Some(true) => "counter",
                Some(false) => "up-down counter",
                None => "gauge",
            };
            assert!(!it.description().is_empty());
            format!("`{}` | {kind} | `{}`", it.name(), it.unit())
        })
        .collect();
    metrics.sort();
    // The table of the documentation lists the same.
    let mut listed: Vec<_> = include_str!("../src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `breaker."))
        .map(|row| row.split(" | ").take(3).collect::<Vec<_>>().join(" | "))
        .map(|row| format!("`breaker.{row}"))
        .collect();
    listed.sort();
    assert_eq!(metrics, listed);
}

#[test]
fn each_collection_says_what_is_true_then() {
    let setup = Setup::new();
    let payments = setup.own.circuit("payments", Config::new()).unwrap();
    let successes = "breaker.calls{circuitbreaker.name=payments,outcome=success}";
    let in_flight = "breaker.in_flight{circuitbreaker.name=payments}";
    for count in [1, 2, 3] {
        let permit = payments.try_acquire().unwrap();
        assert_has(&setup.collect(), in_flight, 1);
        permit.success();
        let exported = setup.collect();
        assert_has(&exported, successes, count);
        assert_has(&exported, in_flight, 0);
    }
}

#[test]
fn a_circuit_that_is_gone_has_no_points() {
    let setup = Setup::new();
    setup.own.circuit("payments", Config::new()).unwrap();
    assert!(setup.collect().keys().any(|point| point.contains("payments")));
    setup.own.remove("payments");
    assert_eq!(setup.collect(), Exported::new());
}

#[test]
fn a_circuit_that_is_made_later_is_exported() {
    let setup = Setup::new();
    assert_eq!(setup.collect(), Exported::new());
    setup.own.circuit("payments", Config::new()).unwrap();
    assert_has(&setup.collect(), "breaker.window_calls{circuitbreaker.name=payments}", 0);
}

#[test]
fn observing_twice_counts_once() {
    let setup = Setup::new();
    observe_registry(&setup.provider.meter("test"), Arc::clone(&setup.own));
    setup.own.circuit("payments", Config::new()).unwrap().try_acquire().unwrap().success();
    let exported = setup.collect();
    assert_has(&exported, "breaker.calls{circuitbreaker.name=payments,outcome=success}", 1);
    assert_has(
        &exported,
        "breaker.state{circuitbreaker.name=payments,circuitbreaker.state=closed}",
        1,
    );
}

#[test]
fn with_delta_temporality_only_new_calls_are_exported() {
    let setup = Setup::with(Temporality::Delta, |builder| builder);
    let payments = setup.own.circuit("payments", Config::new()).unwrap();
    let successes = "breaker.calls{circuitbreaker.name=payments,outcome=success}";
    for count in [2, 0, 1] {
        for _ in 0..count {
            payments.try_acquire().unwrap().success();
        }
        assert_has(&setup.collect(), successes, count);
    }
}

#[test]
fn names_are_exported_as_they_are() {
    let setup = Setup::new();
    let odd = "C:\\temp \"quoted\" {a=\"b\"} \u{1f980}";
    setup.own.circuit(odd, Config::new()).unwrap();
    assert_has(&setup.collect(), &format!("breaker.window_calls{{circuitbreaker.name={odd}}}"), 0);
}

#[test]
fn more_circuits_than_the_sdk_keeps_need_a_higher_limit() {
    let count_states = |setup: &Setup| {
        for number in 0..500 {
            setup.own.circuit(&format!("service-{number}"), Config::new()).unwrap();
        }
        let exported = setup.collect();
        exported.keys().filter(|point| point.starts_with("breaker.state{")).count()
    };
    let merged = Setup::new();
    assert_eq!(count_states(&merged), 2_001, "the last stands for the others");
    let all = Setup::with(Temporality::Cumulative, |builder| {
        builder.with_view(|instrument: &Instrument| {
            let is_ours = instrument.name().starts_with("breaker.");
            is_ours.then(|| Stream::builder().with_cardinality_limit(20_000).build().ok())?
        })
    });
    assert_eq!(count_states(&all), 3_000);
}

#[test]
fn the_default_registry_is_observed() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    observe(&provider.meter("test"));
    let own = Arc::new(Registry::new());
    let setup = Setup { own, provider, exporter };
    registry().get_or_create("default", Config::new()).unwrap().disable();
    assert_has(
        &setup.collect(),
        "breaker.mode{circuitbreaker.mode=disabled,circuitbreaker.name=default}",
        1,
    );
}

#[test]
fn totals_of_an_evicted_key_move_to_the_circuit_that_keys_share() {
    let setup = Setup::new();
    let hosts = setup.own.keyed("http", Config::new(), 1).unwrap();
    for (host, calls) in [("alpha", 1), ("beta", 2), ("gamma", 3)] {
        hosts.get(host).try_acquire().unwrap().success();
        let exported = setup.collect();
        assert_eq!(sum(&exported, "breaker.calls{", "outcome=success}"), calls, "{exported:#?}");
    }
    assert_has(&setup.collect(), "breaker.calls{circuitbreaker.name=http,outcome=success}", 2);
}
