//! R30: how long calls take, as snapshots, metrics and JSON show it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    CallError, CircuitBreaker, Clock, Config, ManualClock, MetricNames, Override, Registry,
    Timings, circuit_breaker,
};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn circuit(config: Config) -> (Arc<CircuitBreaker>, ManualClock) {
    let time = ManualClock::new();
    time.advance(SECOND);
    let circuit = CircuitBreaker::with_clock("timed", config, Clock::Manual(time.clone()));
    (Arc::new(circuit.unwrap()), time)
}

fn timed() -> (Arc<CircuitBreaker>, ManualClock) {
    circuit(Config::new().timings(true))
}

fn take(circuit: &CircuitBreaker, time: &ManualClock, takes: Duration, succeeds: bool) {
    let permit = circuit.try_acquire().expect("it is closed");
    time.advance(takes);
    if succeeds { permit.success() } else { permit.failure() }
}

fn is_about(shown: Duration, real: Duration) -> bool {
    real <= shown && shown <= real.mul_f64(1.0625) + Duration::from_nanos(1)
}

#[test]
fn r30_percentiles_are_those_of_the_calls() {
    let (circuit, time) = timed();
    for millis in 1..=1000 {
        take(&circuit, &time, Duration::from_millis(millis), true);
    }
    let timings = circuit.snapshot().timings.unwrap();
    let Timings { count, p50, p90, p95, p99, max, .. } = timings;
    assert_eq!(count, 1000);
    for (shown, millis) in [(p50, 500), (p90, 900), (p95, 950), (p99, 990), (max, 1000)] {
        assert!(is_about(shown, Duration::from_millis(millis)), "{shown:?} for {millis} ms");
    }
}

#[test]
fn r30_a_percentile_is_a_call_that_was_made() {
    let (circuit, time) = timed();
    for seconds in 1..=3 {
        take(&circuit, &time, SECOND * seconds, true);
    }
    let Timings { p50, p90, max, .. } = circuit.snapshot().timings.unwrap();
    assert!(is_about(p50, SECOND * 2), "half of three calls are two: {p50:?}");
    assert_eq!(p90, max);
}

#[test]
fn r30_calls_up_to_a_limit_and_since_an_earlier_snapshot_are_counted() {
    let (circuit, time) = timed();
    for seconds in [1, 1, 5] {
        take(&circuit, &time, SECOND * seconds, true);
    }
    let earlier = circuit.snapshot().timings.unwrap();
    let counts = [SECOND / 2, SECOND * 2, SECOND * 9].map(|limit| earlier.at_most(limit));
    assert_eq!(counts, [0, 2, 3]);
    for seconds in [5, 60] {
        take(&circuit, &time, SECOND * seconds, true);
    }
    let later = circuit.snapshot().timings.unwrap();
    let between = later.since(&earlier).expect("there were calls");
    assert_eq!((between.count, between.at_most(SECOND * 9)), (2, 1));
    assert!(is_about(between.max, SECOND * 60));
    assert_eq!(later.since(&later), None);
    assert_ne!(later, earlier);
}

#[test]
fn r30_successes_and_failures_are_apart() {
    let (circuit, time) = timed();
    take(&circuit, &time, SECOND, true);
    take(&circuit, &time, SECOND * 60, false);
    take(&circuit, &time, SECOND * 60, false);
    let snapshot = circuit.snapshot();
    let (good, bad) = (snapshot.timings.unwrap(), snapshot.failure_timings.unwrap());
    assert_eq!((good.count, bad.count), (1, 2));
    assert!(is_about(good.max, SECOND) && is_about(bad.p50, SECOND * 60));
}

#[test]
fn r30_ignored_and_cancelled_calls_are_in_neither() {
    let (circuit, time) = timed();
    let (ignored, dropped) = (circuit.try_acquire().unwrap(), circuit.try_acquire().unwrap());
    time.advance(SECOND);
    ignored.ignore();
    drop(dropped);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.timings, snapshot.failure_timings), (None, None));
}

#[test]
fn r30_without_the_option_nothing_is_kept() {
    let (circuit, time) = circuit(Config::new());
    take(&circuit, &time, SECOND, true);
    take(&circuit, &time, SECOND, false);
    let snapshot = circuit.snapshot();
    assert_eq!(
        (snapshot.timings, snapshot.failure_timings, snapshot.last_success),
        (None, None, None)
    );
}

#[test]
fn r30_late_and_hung_calls_are_in_it() {
    let (circuit, time) = circuit(Config::new().timings(true).hung_after(SECOND));
    let late = circuit.try_acquire().unwrap();
    let hung = circuit.try_acquire().unwrap();
    circuit.trip();
    time.advance(SECOND * 3);
    late.success();
    hung.failure();
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.calls.late, 2);
    assert!(is_about(snapshot.timings.unwrap().max, SECOND * 3));
    assert!(is_about(snapshot.failure_timings.unwrap().max, SECOND * 3));
    assert_eq!(snapshot.last_success, None, "a late success says nothing about the circuit");
}

#[test]
fn r30_a_wait_for_a_slot_is_not_in_it() {
    let config = Config::new().timings(true).max_concurrent(1).max_wait(SECOND * 60);
    let (circuit, time) = circuit(config);
    let first = circuit.try_acquire().unwrap();
    let waiting = thread::spawn({
        let circuit = Arc::clone(&circuit);
        move || circuit.acquire_blocking().unwrap().success()
    });
    while circuit.snapshot().calls.started < 1 || !waiting_in_line(&circuit) {
        thread::yield_now();
    }
    time.advance(SECOND * 10);
    first.failure();
    waiting.join().unwrap();
    let snapshot = circuit.snapshot();
    assert!(snapshot.timings.unwrap().max < SECOND, "the second call waited, and took no time");
    assert!(is_about(snapshot.failure_timings.unwrap().max, SECOND * 10));
}

/// Whether a second call would have to wait: the slot is taken.
fn waiting_in_line(circuit: &CircuitBreaker) -> bool {
    circuit.snapshot().in_flight == 1
}

#[test]
fn r30_the_last_success_is_exact() {
    let (circuit, time) = timed();
    take(&circuit, &time, SECOND, true);
    time.advance(SECOND * 7);
    assert_eq!(circuit.snapshot().last_success, Some(SECOND * 7));
    take(&circuit, &time, SECOND, false);
    assert_eq!(circuit.snapshot().last_success, Some(SECOND * 8));
    circuit.trip();
    time.advance(SECOND * 60);
    take(&circuit, &time, SECOND, true);
    time.advance(SECOND * 2);
    assert_eq!(circuit.snapshot().last_success, Some(SECOND * 2), "that was a probe");
}

#[test]
fn r30_timings_can_be_switched_on_and_off_while_calls_run() {
    let (circuit, time) = circuit(Config::new());
    let early = circuit.try_acquire().unwrap();
    circuit.reconfigure(Config::new().timings(true)).unwrap();
    time.advance(SECOND);
    early.success();
    assert_eq!(circuit.snapshot().timings, None, "nobody knows when it began");
    take(&circuit, &time, SECOND, true);
    assert_eq!(circuit.snapshot().timings.unwrap().count, 1);
    circuit.reconfigure(Config::new()).unwrap();
    assert_eq!(circuit.snapshot().timings, None);
    circuit.reconfigure(Config::new().timings(true)).unwrap();
    assert_eq!(circuit.snapshot().timings.unwrap().count, 1, "it is cumulative");
}

#[test]
fn r30_an_override_switches_it_on() {
    let registry = Registry::new();
    let circuit = registry.circuit("payments", Config::new()).unwrap();
    circuit.override_for(Override::Option("timings", "true"), None, "alice").unwrap();
    circuit.try_acquire().unwrap().success();
    assert_eq!(circuit.snapshot().timings.unwrap().count, 1);
    let error = circuit.override_for(Override::Option("timings", "yes"), None, "alice");
    let error = error.unwrap_err().to_string();
    assert!(error.contains("takes one of `true`, `false`, not `yes`"), "{error}");
}

#[test]
fn r30_slow_calls_are_judged_as_without_it() {
    let slow = Config::new().slow_call(SECOND * 2);
    for config in [slow, slow.timings(true)] {
        let (circuit, time) = circuit(config);
        take(&circuit, &time, SECOND * 2, true);
        take(&circuit, &time, SECOND * 3, true);
        assert_eq!(circuit.snapshot().calls.slow, 1);
    }
}

#[test]
fn r30_threads_count_each_call_once() {
    const THREADS: u64 = 64;
    const CALLS: u64 = 2_000;
    let circuit = CircuitBreaker::new("timed", Config::new().timings(true)).unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for call in 0..CALLS {
                    let permit = circuit.try_acquire().unwrap();
                    if call % 4 == 0 { permit.failure() } else { permit.success() }
                }
            });
        }
    });
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.timings.unwrap().count, THREADS * CALLS * 3 / 4);
    assert_eq!(snapshot.failure_timings.unwrap().count, THREADS * CALLS / 4);
    assert!(snapshot.last_success.unwrap() < SECOND * 60);
}

#[test]
fn r30_the_real_clock_tells_microseconds_apart() {
    let circuit = CircuitBreaker::new("timed", Config::new().timings(true)).unwrap();
    let began = std::time::Instant::now();
    let permit = circuit.try_acquire().unwrap();
    let inside = std::time::Instant::now();
    while inside.elapsed() < Duration::from_micros(300) {}
    let at_least = inside.elapsed();
    permit.success();
    let at_most = began.elapsed();
    let max = circuit.snapshot().timings.unwrap().max;
    let slack = Duration::from_micros(20);
    assert!(at_least <= max + slack && max <= at_most.mul_f64(1.07) + slack, "{max:?}");
}

#[test]
fn r30_the_timings_of_an_evicted_key_are_kept() {
    #[circuit_breaker(name = "evicted", key = host, max_keys = 1, timings = true)]
    fn call(host: &str) -> Result<(), CallError<String>> {
        let _ = host;
        Ok(())
    }
    for host in ["a", "a", "b", "c"] {
        call(host).unwrap();
    }
    let snapshot = breaker_runtime::registry().snapshot();
    let all = snapshot.circuits.iter().filter(|it| it.name.starts_with("evicted"));
    let count: u64 = all.filter_map(|it| Some(it.timings.as_ref()?.count)).sum();
    assert_eq!(count, 4, "{snapshot}");
}

#[test]
fn r30_prometheus_shows_a_histogram() {
    let registry = Registry::new();
    registry.circuit("plain", Config::new()).unwrap().try_acquire().unwrap().success();
    let (timed, time) = timed();
    take(&timed, &time, Duration::from_millis(3), true);
    take(&timed, &time, SECOND * 20, false);
    let mut snapshot = registry.snapshot();
    snapshot.circuits.push(timed.snapshot());
    let text = snapshot.prometheus(MetricNames::Breaker).to_string();
    let lines: Vec<_> =
        text.lines().filter(|line| line.starts_with("breaker_call_duration_seconds")).collect();
    assert_eq!(lines.len(), 2 * (14 + 3), "{lines:#?}");
    let has = |line: &str| assert!(lines.contains(&line), "{line} in {lines:#?}");
    has(r#"breaker_call_duration_seconds_bucket{name="timed",outcome="success",le="0.0025"} 0"#);
    has(r#"breaker_call_duration_seconds_bucket{name="timed",outcome="success",le="0.005"} 1"#);
    has(r#"breaker_call_duration_seconds_bucket{name="timed",outcome="failure",le="10.0"} 0"#);
    has(r#"breaker_call_duration_seconds_bucket{name="timed",outcome="failure",le="+Inf"} 1"#);
    has(r#"breaker_call_duration_seconds_count{name="timed",outcome="failure"} 1"#);
    let text = snapshot.prometheus(MetricNames::Resilience4j).to_string();
    let of_timed: Vec<_> = text.lines().filter(|line| line.contains("calls_seconds_sum")).collect();
    assert_eq!(of_timed.len(), 2, "{text}");
}

proptest! {
    #[test]
    fn r30_no_time_is_more_than_6_25_percent_off(nanos in 1_000_u64..=3_600_000_000_000) {
        let (circuit, time) = timed();
        let takes = Duration::from_nanos(nanos);
        take(&circuit, &time, takes, true);
        let timings = circuit.snapshot().timings.unwrap();
        prop_assert!(is_about(timings.max, takes), "{:?} for {takes:?}", timings.max);
        let total = timings.total().as_secs_f64();
        prop_assert!((total / takes.as_secs_f64() - 1.0).abs() <= 0.032, "{total} for {takes:?}");
        prop_assert_eq!(timings.at_most(takes), 1);
    }

    #[test]
    fn r30_no_time_is_too_long_or_too_short(nanos: u64) {
        let (circuit, time) = timed();
        take(&circuit, &time, Duration::from_nanos(nanos), true);
        prop_assert_eq!(circuit.snapshot().timings.unwrap().count, 1);
    }
}
