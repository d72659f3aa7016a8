//! Times at their limits: exact to the nanosecond, and without end.

mod common;

use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::{CircuitBreaker, Clock, Config, ConfigError, ManualClock, State};
use common::{COOLDOWN, NANO, SECOND, circuit, due, fail, pass_cooldown, succeed};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn k02_a_cooldown_without_end_lasts_until_reset() {
    for cooldown in [Duration::MAX, Duration::from_millis(u64::MAX)] {
        let (circuit, time) = circuit(Config::new().failure_threshold(1).cooldown(cooldown));
        fail(&circuit, 1);
        time.advance(DAY * 365 * 500);
        assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), None);
        time.advance(Duration::MAX);
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, None));
        assert!(!snapshot.probe_due);
        circuit.reset();
        assert!(circuit.try_acquire().is_ok());
    }
}

#[test]
fn r17_every_duration_may_be_without_end_at_once() {
    let config = Config::new()
        .slow_call(Duration::MAX)
        .cooldown(Duration::MAX)
        .cooldown_multiplier(f64::MAX)
        .cooldown_max(Duration::MAX)
        .cooldown_jitter(0.9)
        .probe_timeout(Duration::MAX);
    let (circuit, time) = circuit(config);
    let permit = circuit.try_acquire().unwrap();
    time.advance(Duration::MAX);
    permit.success();
    assert_eq!((circuit.snapshot().calls.slow, circuit.snapshot().window_calls), (0, 1));
    circuit.trip();
    time.advance(Duration::MAX);
    assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), None);
}

#[test]
fn r17_a_probe_timeout_without_end_never_loses_a_probe() {
    let config = Config::new().cooldown(SECOND).probe_timeout(Duration::MAX);
    let (circuit, time) = due(config.half_open_max_calls(1).success_threshold(1));
    let probe = circuit.try_acquire().unwrap();
    time.advance(Duration::MAX);
    assert!(circuit.try_acquire().is_err());
    probe.success();
    assert_eq!((circuit.state(), circuit.snapshot().probes.lost), (State::Closed, 0));
}

#[test]
fn r17_a_manual_clock_stops_at_the_end_of_time() {
    let (circuit, time) = circuit(Config::new());
    time.advance(Duration::MAX);
    let since = circuit.snapshot().since;
    time.advance(DAY);
    assert_eq!(circuit.snapshot().since, since);
    circuit.trip();
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn k04_time_that_stands_still_never_ends_a_cooldown() {
    let (circuit, _) = circuit(Config::new().cooldown(NANO));
    circuit.trip();
    for _ in 0..3 {
        assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), Some(NANO));
    }
}

#[test]
fn k05_eight_hours_of_sleep_are_one_transition() {
    let (circuit, time) = circuit(Config::new().cooldown(COOLDOWN));
    circuit.trip();
    time.advance(Duration::from_secs(8 * 3_600));
    assert_eq!(circuit.snapshot().transitions, 1);
    let _probe = circuit.try_acquire().unwrap();
    assert_eq!((circuit.state(), circuit.snapshot().transitions), (State::HalfOpen, 2));
}

#[test]
fn k07_ten_thousand_openings_wait_no_longer_than_the_longest_cooldown() {
    let longest = Duration::from_secs(300);
    let config = Config::new().cooldown(SECOND).cooldown_multiplier(1.5).cooldown_max(longest);
    let (circuit, time) = due(config);
    for _ in 0..10_000 {
        fail(&circuit, 1);
        pass_cooldown(&circuit, &time);
    }
    fail(&circuit, 1);
    assert_eq!(circuit.snapshot().retry_after, Some(longest));
}

#[test]
fn k08_a_year_of_idleness_leaves_the_last_n_calls_and_costs_nothing() {
    let (circuit, time) = circuit(Config::new().failure_rate(0.5).count_window(4));
    succeed(&circuit, 2);
    fail(&circuit, 1);
    let began = Instant::now();
    time.advance(DAY * 365);
    assert_eq!(circuit.snapshot().window_calls, 3);
    fail(&circuit, 1);
    assert_eq!(circuit.state(), State::Open);
    assert!(began.elapsed() < SECOND);
}

#[test]
fn k09_a_probe_is_due_at_the_nanosecond_at_which_the_cooldown_ends() {
    let (circuit, time) = circuit(Config::new().cooldown(COOLDOWN));
    circuit.trip();
    time.advance(COOLDOWN.saturating_sub(NANO));
    assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), Some(NANO));
    assert!(!circuit.snapshot().probe_due);
    time.advance(NANO);
    assert!(circuit.snapshot().probe_due);
    assert!(circuit.try_acquire().is_ok());
}

#[test]
fn d22_times_below_a_second_are_kept_exactly() {
    let cooldown = Duration::new(1, 234_567_891);
    let (circuit, time) = circuit(Config::new().cooldown(cooldown).slow_call(NANO));
    let fast = circuit.try_acquire().unwrap();
    time.advance(NANO);
    let slow = circuit.try_acquire().unwrap();
    fast.success();
    time.advance(NANO * 2);
    slow.success();
    assert_eq!(circuit.snapshot().calls.slow, 1);
    circuit.trip();
    assert_eq!(circuit.snapshot().retry_after, Some(cooldown));
}

#[test]
fn d23_a_circuit_made_at_the_beginning_of_time_works() -> Result<(), ConfigError> {
    let config = Config::new().cooldown(DAY * 365);
    let circuit = CircuitBreaker::with_clock("early", config, Clock::Manual(ManualClock::new()))?;
    assert_eq!(circuit.snapshot().since, Duration::ZERO);
    circuit.trip();
    assert_eq!(circuit.snapshot().retry_after, Some(DAY * 365));
    Ok(())
}

#[test]
fn circuits_on_clones_of_one_clock_share_its_time() -> Result<(), ConfigError> {
    let time = ManualClock::new();
    let on_clone = |name| {
        let clock = Clock::Manual(time.clone());
        CircuitBreaker::with_clock(name, Config::new().cooldown(COOLDOWN), clock)
    };
    let (one, other) = (on_clone("one")?, on_clone("other")?);
    one.trip();
    other.trip();
    time.clone().advance(COOLDOWN);
    assert!(one.snapshot().probe_due && other.snapshot().probe_due);
    Ok(())
}

#[test]
fn k01_the_systems_clock_moves_a_cooldown_on() -> Result<(), ConfigError> {
    let config = Config::new().cooldown(Duration::from_millis(1));
    let circuit = CircuitBreaker::new("system", config)?;
    circuit.trip();
    let began = Instant::now();
    while !circuit.snapshot().probe_due {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", circuit.snapshot().explain());
        thread::yield_now();
    }
    assert!(circuit.try_acquire().is_ok());
    Ok(())
}
