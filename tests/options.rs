//! Each option of the attribute does what it says. A test here fails when its option is read but ignored.
//!
//! Where time matters the test has a clock that stands still.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use breaker_runtime::{
    CallError, CircuitBreaker, Config, RejectedReason, Snapshot, State, TripKind, WindowSize,
    circuit_breaker, registry,
    testing::{self, Fault},
};

#[track_caller]
fn circuit(name: &str) -> Arc<CircuitBreaker> {
    registry().get(name).expect("the function is annotated")
}

#[track_caller]
fn snapshot(name: &str) -> Snapshot {
    circuit(name).snapshot()
}

#[track_caller]
fn state(name: &str) -> State {
    circuit(name).state()
}

fn answer(is_up: bool) -> Option<()> {
    is_up.then_some(())
}

#[circuit_breaker(name = "options.name/of any kind")]
fn named() -> Option<()> {
    answer(true)
}

#[test]
fn option_name_is_the_circuits() {
    named();
    assert_eq!(snapshot("options.name/of any kind").calls.success, 1);
}

const NAME: &str = concat!("options.", "name/of a constant");

#[circuit_breaker(name = NAME)]
fn named_by_a_constant() -> Option<()> {
    answer(true)
}

#[test]
fn option_name_may_be_a_constant() {
    assert_eq!(circuit(NAME).name(), NAME);
    named_by_a_constant();
    assert_eq!(snapshot(NAME).calls.success, 1);
}

const SHARED: Config =
    Config::new().failure_threshold(2).cooldown(Duration::from_secs(600)).count_window(20);

#[circuit_breaker(name = "options.config", config = SHARED, cooldown = "5s", window = "30s")]
fn with_a_config() -> Option<()> {
    answer(false)
}

// States the same as that, in other words.
#[circuit_breaker(name = "options.config", failure_threshold = 2, cooldown = "5s", window = "30s")]
fn without_a_config() -> Option<()> {
    answer(false)
}

#[test]
fn option_config_states_what_nothing_beside_it_does() {
    with_a_config();
    without_a_config();
    let snapshot = snapshot("options.config");
    assert_eq!(snapshot.state, State::Open, "after two failures");
    assert_eq!(snapshot.config.to_string(), "failure_threshold=2, window=30s, cooldown=5s");
    let stated: Vec<_> = snapshot.config.stated().collect();
    assert_eq!(stated, ["failure_threshold", "window", "cooldown"]);
    assert_eq!((snapshot.sites.len(), snapshot.conflict_count), (2, 0));
}

#[circuit_breaker(name = "options.failure_threshold", failure_threshold = 2)]
fn failure_threshold() -> Option<()> {
    answer(false)
}

#[test]
fn option_failure_threshold_is_the_run_that_opens() {
    failure_threshold();
    assert_eq!(state("options.failure_threshold"), State::Closed);
    failure_threshold();
    assert_eq!(state("options.failure_threshold"), State::Open);
}

#[circuit_breaker(name = "options.failure_rate", failure_rate = 0.75, minimum_calls = 4)]
fn failure_rate(is_up: bool) -> Option<()> {
    answer(is_up)
}

#[test]
fn option_failure_rate_is_the_share_that_opens() {
    for is_up in [true, true, false, false, false, false, false] {
        failure_rate(is_up);
        assert_eq!(state("options.failure_rate"), State::Closed);
    }
    failure_rate(false);
    let reason = snapshot("options.failure_rate").trip_reason.expect("6 of 8 failed");
    assert_eq!((reason.kind, reason.share), (TripKind::FailureRate, Some(0.75)));
}

#[circuit_breaker(name = "options.window", failure_rate = 1, window = 3, minimum_calls = 2)]
fn window(is_up: bool) -> Option<()> {
    answer(is_up)
}

#[test]
fn option_window_of_calls_forgets_those_before() {
    for is_up in [true, false, false] {
        window(is_up);
    }
    assert_eq!(
        (state("options.window"), snapshot("options.window").window_calls),
        (State::Closed, 3)
    );
    window(false);
    assert_eq!(state("options.window"), State::Open);
}

#[circuit_breaker(
    name = "options.window_of_time",
    failure_rate = 1,
    window = "10000d",
    minimum_calls = 200
)]
fn window_of_time() -> Option<()> {
    answer(false)
}

#[test]
fn option_window_of_time_holds_all_its_calls() {
    for _ in 0..199 {
        window_of_time();
    }
    let snapshot = snapshot("options.window_of_time");
    assert_eq!((snapshot.state, snapshot.window_calls), (State::Closed, 199));
    let length = WindowSize::Time(Duration::from_secs(10_000 * 86_400));
    assert_eq!(snapshot.config.settings().window, length);
    window_of_time();
    assert_eq!(state("options.window_of_time"), State::Open);
}

#[circuit_breaker(name = "options.minimum_calls", failure_rate = 0.1, minimum_calls = 3)]
fn minimum_calls() -> Option<()> {
    answer(false)
}

#[test]
fn option_minimum_calls_is_where_rates_begin() {
    for expected in [State::Closed, State::Closed, State::Open] {
        minimum_calls();
        assert_eq!(state("options.minimum_calls"), expected);
    }
}

#[circuit_breaker(name = "options.slow_call", slow_call = "1s", minimum_calls = 2)]
fn slow_call() -> Option<()> {
    answer(true)
}

#[test]
fn option_slow_call_makes_calls_slow() {
    let test = testing::isolate();
    test.fault("options.slow_call", Fault::delay(Duration::from_secs(1)).times(3));
    for _ in 0..3 {
        slow_call();
    }
    assert_eq!(state("options.slow_call"), State::Closed, "none took longer");
    test.fault("options.slow_call", Fault::delay(Duration::from_millis(1001)));
    for _ in 0..3 {
        slow_call();
    }
    let reason = snapshot("options.slow_call").trip_reason.expect("half of them were slow");
    assert_eq!((reason.kind, reason.slow), (TripKind::SlowCallRate, 3));
}

#[circuit_breaker(
    name = "options.slow_call_rate",
    slow_call = "1s",
    slow_call_rate = 1,
    minimum_calls = 3
)]
fn slow_call_rate() -> Option<()> {
    answer(true)
}

#[test]
fn option_slow_call_rate_is_the_share_that_opens() {
    let test = testing::isolate();
    test.fault("options.slow_call_rate", Fault::delay(Duration::from_secs(2)));
    for _ in 0..3 {
        slow_call_rate();
    }
    let reason = snapshot("options.slow_call_rate").trip_reason.expect("all were slow");
    assert_eq!((reason.kind, reason.threshold), (TripKind::SlowCallRate, Some(1.0)));
}

#[circuit_breaker(name = "options.cooldown", failure_threshold = 1, cooldown = "3h")]
fn cooldown(is_up: bool) -> Option<()> {
    answer(is_up)
}

const HOUR: Duration = Duration::from_secs(3600);

fn retry_after(name: &str) -> Option<Duration> {
    snapshot(name).retry_after
}

#[test]
fn option_cooldown_is_how_long_it_stays_open() {
    let test = testing::isolate();
    cooldown(false);
    assert_eq!(retry_after("options.cooldown"), Some(HOUR * 3));
    test.advance((HOUR * 3).saturating_sub(Duration::from_nanos(1)));
    assert_eq!(cooldown(true), None);
    test.advance(Duration::from_nanos(1));
    assert_eq!(cooldown(true), Some(()));
}

#[circuit_breaker(
    name = "options.cooldown_multiplier",
    cooldown = "1h",
    cooldown_multiplier = 1.5,
    cooldown_max = "20h"
)]
fn cooldown_multiplier() -> Option<()> {
    answer(false)
}

#[test]
fn option_cooldown_multiplier_lengthens_the_second_cooldown() {
    let test = testing::isolate();
    test.half_open("options.cooldown_multiplier");
    cooldown_multiplier();
    assert_eq!(retry_after("options.cooldown_multiplier"), Some(HOUR * 3 / 2));
}

#[circuit_breaker(
    name = "options.cooldown_max",
    cooldown = "1h",
    cooldown_multiplier = 1e300,
    cooldown_max = "5h"
)]
fn cooldown_max() -> Option<()> {
    answer(false)
}

#[test]
fn option_cooldown_max_bounds_it() {
    let test = testing::isolate();
    test.half_open("options.cooldown_max");
    cooldown_max();
    assert_eq!(retry_after("options.cooldown_max"), Some(HOUR * 5));
}

#[circuit_breaker(name = "options.cooldown_jitter", cooldown = "100d", cooldown_jitter = 0.5)]
fn cooldown_jitter() -> Option<()> {
    answer(true)
}

#[test]
fn option_cooldown_jitter_spreads_cooldowns() {
    const DAY: Duration = Duration::from_secs(86_400);
    cooldown_jitter();
    let circuit = circuit("options.cooldown_jitter");
    let left: Vec<_> = (0..64)
        .map(|_| {
            circuit.reset();
            circuit.trip();
            circuit.snapshot().retry_after.expect("it is open")
        })
        .collect();
    assert!(left.iter().all(|left| *left >= DAY * 49 && *left <= DAY * 150), "{left:?}");
    assert!(left.iter().any(|left| *left < DAY * 99) && left.iter().any(|left| *left > DAY * 101));
}

#[circuit_breaker(name = "options.half_open_max_calls", half_open_max_calls = 2)]
async fn half_open_max_calls() -> Option<()> {
    pending().await
}

/// Futures that were polled once.
fn begun<F: Future>(future: impl Fn() -> F, count: usize) -> Vec<(Pin<Box<F>>, bool)> {
    let poll = |mut future: Pin<Box<F>>| {
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        (future, polled.is_pending())
    };
    (0..count).map(|_| poll(Box::pin(future()))).collect()
}

#[test]
fn option_half_open_max_calls_bounds_the_probes_in_flight() {
    let test = testing::isolate();
    test.half_open("options.half_open_max_calls");
    let probes = begun(half_open_max_calls, 5);
    assert_eq!(probes.iter().filter(|(_, runs)| *runs).count(), 2);
    let snapshot = snapshot("options.half_open_max_calls");
    assert_eq!((snapshot.probes.in_flight, snapshot.rejected.half_open_full), (2, 3));
}

#[circuit_breaker(name = "options.success_threshold", success_threshold = 2)]
fn success_threshold() -> Option<()> {
    answer(true)
}

#[test]
fn option_success_threshold_is_what_closes() {
    let test = testing::isolate();
    test.half_open("options.success_threshold");
    success_threshold();
    assert_eq!(state("options.success_threshold"), State::HalfOpen);
    success_threshold();
    assert_eq!(state("options.success_threshold"), State::Closed);
}

#[circuit_breaker(name = "options.half_open_failure_threshold", half_open_failure_threshold = 3)]
fn half_open_failure_threshold() -> Option<()> {
    answer(false)
}

#[test]
fn option_half_open_failure_threshold_is_what_opens_again() {
    let test = testing::isolate();
    test.half_open("options.half_open_failure_threshold");
    for expected in [State::HalfOpen, State::HalfOpen, State::Open] {
        half_open_failure_threshold();
        assert_eq!(state("options.half_open_failure_threshold"), expected);
    }
}

#[circuit_breaker(
    name = "options.probe_timeout",
    cooldown = "1s",
    probe_timeout = "2s",
    half_open_max_calls = 1,
    half_open_failure_threshold = 1000
)]
async fn probe_timeout() -> Option<()> {
    pending().await
}

#[test]
fn option_probe_timeout_gives_up_on_probes() {
    let test = testing::isolate();
    test.half_open("options.probe_timeout");
    let probes: Vec<_> = (0..3)
        .map(|_| {
            let probes = begun(probe_timeout, 2);
            test.advance(Duration::from_secs(2));
            probes
        })
        .collect();
    for probe in &probes {
        assert_eq!(
            (probe[0].1, probe[1].1),
            (true, false),
            "there is one slot, free again in time"
        );
    }
    assert_eq!(snapshot("options.probe_timeout").probes.lost, 2, "the next call loses the third");
}

#[circuit_breaker(name = "options.max_concurrent", max_concurrent = 2, fallback = 0)]
fn max_concurrent(depth: u32) -> u32 {
    if depth == 0 { 1 } else { 1 + max_concurrent(depth - 1) }
}

#[test]
fn option_max_concurrent_bounds_the_calls_in_flight() {
    assert_eq!(max_concurrent(5), 2);
    assert_eq!(snapshot("options.max_concurrent").rejected.bulkhead_full, 1);
}

#[circuit_breaker(name = "options.max_wait", max_concurrent = 1, max_wait = "2s")]
async fn max_wait() -> Option<()> {
    pending().await
}

#[circuit_breaker(name = "options.no_wait", max_concurrent = 1, max_wait = "0s")]
async fn no_wait() -> Option<()> {
    pending().await
}

/// When the call was given up, on tokio's clock, which stands still unless a task waits.
async fn given_up(call: impl Future<Output = Option<()>>) -> Duration {
    let began = tokio::time::Instant::now();
    let given_up = tokio::time::timeout(Duration::from_secs(3600), call).await;
    assert_eq!(given_up, Ok(None), "somebody must give up within the hour");
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn option_max_wait_is_how_long_a_call_waits() {
    let _test = testing::isolate_with(breaker_runtime::Clock::Tokio);
    let _holders = (begun(max_wait, 1), begun(no_wait, 1));
    assert_eq!(given_up(no_wait()).await, Duration::ZERO);
    assert_eq!(given_up(max_wait()).await, Duration::from_secs(2));
}

#[circuit_breaker(name = "options.call_timeout", call_timeout = "3s")]
async fn call_timeout() -> Option<()> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn option_call_timeout_is_how_long_a_call_takes() {
    let _test = testing::isolate_with(breaker_runtime::Clock::Tokio);
    assert_eq!(given_up(call_timeout()).await, Duration::from_secs(3));
    assert_eq!(snapshot("options.call_timeout").calls.timed_out, 1);
}

#[circuit_breaker(name = "options.failure_if", failure_if = |number| number % 2 == 1, fallback = 0)]
fn failure_if(number: u8) -> u8 {
    number
}

#[test]
fn option_failure_if_says_what_a_failure_is() {
    failure_if(1);
    failure_if(2);
    let calls = snapshot("options.failure_if").calls;
    assert_eq!((calls.failure, calls.success), (1, 1));
}

#[circuit_breaker(
    name = "options.ignore_if",
    ignore_if = |fault| fault == "unknown",
    fallback = |error| Err(error.to_string()),
    fallback_on = any
)]
fn ignore_if(fault: &str) -> Result<(), String> {
    Err(fault.to_owned())
}

#[test]
fn option_ignore_if_says_what_counts_as_nothing() {
    ignore_if("unknown").unwrap_err();
    ignore_if("down").unwrap_err();
    let calls = snapshot("options.ignore_if").calls;
    assert_eq!((calls.ignored, calls.failure), (1, 1));
}

fn asked(fault: &Duration) -> Option<Duration> {
    Some(*fault).filter(|asked| *asked < Duration::MAX)
}

#[circuit_breaker(
    name = "options.open_for",
    failure_threshold = 9,
    open_for = asked,
    open_for_max = "1h",
    ignore_if = Duration::is_zero,
    fallback = |_| Err(Duration::ZERO)
)]
fn open_for(fault: Duration) -> Result<(), Duration> {
    Err(fault)
}

#[circuit_breaker(name = "options.open_for_async", failure_threshold = 9, open_for = asked, failure_if = |_| false, fallback = Ok(()))]
async fn open_for_async(fault: Duration) -> Result<(), Duration> {
    Err(fault)
}

#[test]
fn option_open_for_opens_for_as_long_as_the_error_of_a_failure_says() {
    let circuit = circuit("options.open_for");
    open_for(Duration::ZERO).unwrap_err();
    assert_eq!((circuit.state(), circuit.snapshot().calls.ignored), (State::Closed, 1));
    for (asked, seconds) in [(200, 200.0), (9_000, 3_600.0)] {
        open_for(Duration::from_secs(asked)).unwrap_err();
        let reason = circuit.snapshot().trip_reason.expect("it is open");
        assert_eq!((reason.kind, reason.threshold), (TripKind::Asked, Some(seconds)));
        circuit.reset();
    }
}

#[test]
fn option_open_for_is_not_asked_of_an_error_that_is_no_failure() {
    let mut call = Box::pin(open_for_async(Duration::from_secs(5)));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    let snapshot = snapshot("options.open_for_async");
    assert_eq!((snapshot.state, snapshot.calls.success), (State::Closed, 1));
}

#[circuit_breaker(
    name = "options.hung_after",
    hung_after = "30s",
    slow_call = "10s",
    recovery = "2m"
)]
fn watched() -> Option<()> {
    answer(true)
}

#[test]
fn options_hung_after_and_recovery_are_those_of_the_circuit() {
    watched();
    let settings = snapshot("options.hung_after").config.settings();
    assert_eq!(settings.hung_after, Some(Duration::from_secs(30)));
    assert_eq!(settings.recovery, Some(Duration::from_secs(120)));
}

#[circuit_breaker(name = "options.failures", failures = panics)]
fn failures(number: u8) -> Option<u8> {
    number.checked_sub(1)
}

#[test]
fn option_failures_says_that_only_panics_are() {
    assert_eq!((failures(0), failures(1)), (None, Some(0)));
    let calls = snapshot("options.failures").calls;
    assert_eq!((calls.success, calls.failure), (2, 0));
}

#[circuit_breaker(name = "options.on_cancel", on_cancel = failure)]
async fn on_cancel() -> Option<()> {
    pending().await
}

#[circuit_breaker(name = "options.on_cancel_ignore", on_cancel = ignore)]
async fn on_cancel_ignore() -> Option<()> {
    pending().await
}

#[test]
fn option_on_cancel_says_what_a_dropped_call_is() {
    drop((begun(on_cancel, 1), begun(on_cancel_ignore, 1)));
    let calls = snapshot("options.on_cancel").calls;
    assert_eq!((calls.failure, calls.cancelled), (1, 0));
    let calls = snapshot("options.on_cancel_ignore").calls;
    assert_eq!((calls.failure, calls.cancelled), (0, 1));
}

#[circuit_breaker(name = "options.fallback", fallback = |error| match error {
    CallError::Rejected(rejected) if rejected.reason() == RejectedReason::ForcedOpen => Ok(1),
    CallError::Failed(fault) => Err(format!("not {fault}")),
    other => Err(other.to_string()),
})]
fn fallback() -> Result<u8, String> {
    Err("up".to_owned())
}

#[test]
fn option_fallback_answers_failures_and_refusals() {
    assert_eq!(fallback(), Err("not up".to_owned()));
    circuit("options.fallback").force_open();
    assert_eq!(fallback(), Ok(1));
}

#[circuit_breaker(name = "options.fallback_on", fallback = Ok(1), fallback_on = rejected)]
fn fallback_on() -> Result<u8, String> {
    Err("down".to_owned())
}

#[circuit_breaker(name = "options.fallback_on_any", fallback = Ok(1), fallback_on = any)]
fn fallback_on_any() -> Result<u8, String> {
    Err("down".to_owned())
}

#[test]
fn option_fallback_on_says_when_it_answers() {
    assert_eq!((fallback_on(), fallback_on_any()), (Err("down".to_owned()), Ok(1)));
    circuit("options.fallback_on").force_open();
    assert_eq!(fallback_on(), Ok(1));
}

#[circuit_breaker(name = "options.key", key = host, failure_threshold = 1)]
fn key(host: &str, is_up: bool) -> Option<()> {
    let _ = host;
    answer(is_up)
}

#[test]
fn option_key_gives_each_its_circuit() {
    key("bonn", false);
    assert_eq!((key("bonn", true), key("kiel", true)), (None, Some(())));
    assert_eq!(state("options.key/bonn"), State::Open);
}

#[circuit_breaker(name = "options.max_keys", key = number, max_keys = 2)]
fn max_keys(number: u8) -> Option<u8> {
    Some(number)
}

#[test]
fn option_max_keys_bounds_them() {
    for number in 0..20 {
        max_keys(number);
    }
    let circuits = registry().circuits();
    let keys = circuits.iter().filter(|circuit| circuit.name().starts_with("options.max_keys/"));
    assert_eq!(keys.count(), 2);
}

/// A runtime that tells when it is used.
mod other {
    pub(crate) mod __private {
        use super::super::{AtomicBool, Ordering};
        pub(crate) use breaker_runtime::__private::*;

        pub(crate) static IS_USED: AtomicBool = AtomicBool::new(false);

        pub(crate) fn enter_or_refuse<'a, R: Refusable>(
            way: impl Leads<'a>,
        ) -> Result<Permit<'a>, R>
        where
            R::Error: HoldsRejected,
        {
            IS_USED.store(true, Ordering::SeqCst);
            breaker_runtime::__private::enter_or_refuse(way)
        }
    }
}

#[circuit_breaker(name = "options.crate", crate = other)]
fn other_crate() -> Option<()> {
    answer(true)
}

#[test]
fn option_crate_is_where_the_runtime_is() {
    other_crate();
    assert!(other::__private::IS_USED.load(Ordering::SeqCst));
}
