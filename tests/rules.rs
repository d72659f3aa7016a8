//! The rules of the state machine, as a user of the circuit meets them.

mod common;

use std::cell::Cell;
use std::collections::HashSet;
use std::time::Duration;

use breaker_runtime::{
    CallError, CircuitBreaker, Clock, Config, ConfigError, ManualClock, RejectedReason, State,
    TripKind,
};
use common::{COOLDOWN, NANO, SECOND, assert_balanced, circuit, due, fail, pass_cooldown, succeed};

/// A rate over ten calls, judged from the fourth on.
const RATE: Config = Config::new().failure_rate(0.5).count_window(10).minimum_calls(4);

#[test]
fn r01_the_fifth_failure_in_a_row_opens_by_default() {
    let (circuit, _) = circuit(Config::new());
    for failures in 1..=4 {
        assert_eq!(circuit.call(|| Err::<(), _>("down")), Err(CallError::Failed("down")));
        assert_eq!(circuit.snapshot().consecutive_failures, failures);
    }
    assert_eq!(circuit.state(), State::Closed);
    let _ = circuit.call(|| Err::<(), _>("down"));
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn d20_failures_before_a_success_are_forgotten() {
    let (circuit, _) = circuit(Config::new().failure_threshold(3));
    for _ in 0..10 {
        fail(&circuit, 2);
        succeed(&circuit, 1);
    }
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(circuit.snapshot().consecutive_failures, 0);
}

#[test]
fn d19_a_threshold_of_one_opens_at_the_first_failure() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    fail(&circuit, 1);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn d16_a_rate_is_judged_from_minimum_calls_on_and_not_from_a_full_window() {
    let (circuit, _) = circuit(RATE);
    fail(&circuit, 3);
    assert_eq!(circuit.state(), State::Closed);
    fail(&circuit, 1);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn d17_the_success_that_completes_minimum_calls_does_not_open_but_the_next_failure_does() {
    let (circuit, _) = circuit(RATE);
    fail(&circuit, 3);
    succeed(&circuit, 1);
    assert_eq!((circuit.state(), circuit.snapshot().failure_rate), (State::Closed, Some(0.75)));
    fail(&circuit, 1);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn r02_a_rate_opens_when_it_is_reached_and_not_before() {
    let (circuit, _) = circuit(RATE);
    succeed(&circuit, 5);
    fail(&circuit, 4);
    assert_eq!(circuit.state(), State::Closed, "4 of 9");
    fail(&circuit, 1);
    let reason = circuit.snapshot().trip_reason.unwrap();
    assert_eq!((reason.kind, reason.failed, reason.calls), (TripKind::FailureRate, 5, 10));
    assert_eq!((reason.share, reason.threshold), (Some(0.5), Some(0.5)));
}

#[test]
fn r02_slow_calls_open_at_their_own_rate() {
    let config = Config::new().slow_call(SECOND).slow_call_rate(0.5).minimum_calls(2);
    let (circuit, time) = circuit(config);
    succeed(&circuit, 1);
    let answer = circuit.call(|| {
        time.advance(SECOND * 2);
        Ok::<_, ()>(7)
    });
    assert_eq!(answer, Ok(7), "a slow success is still the caller's success");
    assert_eq!(circuit.snapshot().trip_reason.unwrap().kind, TripKind::SlowCallRate);
}

#[test]
fn d15_a_thousand_successes_do_not_outweigh_the_last_ten_calls() {
    let (circuit, _) = circuit(RATE);
    succeed(&circuit, 1_000);
    fail(&circuit, 4);
    assert_eq!((circuit.state(), circuit.snapshot().failure_rate), (State::Closed, Some(0.4)));
    fail(&circuit, 1);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn r03_the_window_is_kept_when_no_rate_is_on() {
    let (circuit, _) = circuit(Config::new().count_window(4).minimum_calls(2));
    succeed(&circuit, 1);
    fail(&circuit, 1);
    assert_eq!(circuit.snapshot().failure_rate, Some(0.5));
    succeed(&circuit, 3);
    assert_eq!(circuit.snapshot().failure_rate, Some(0.25));
    succeed(&circuit, 1);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failure_rate, snapshot.window_calls), (Some(0.0), 4));
}

#[test]
fn r03_ignored_and_cancelled_calls_are_not_in_the_window() {
    let (circuit, _) = circuit(RATE);
    circuit.try_acquire().unwrap().ignore();
    drop(circuit.try_acquire().unwrap());
    fail(&circuit, 3);
    assert_eq!(circuit.snapshot().window_calls, 3);
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn r05_a_call_is_slow_when_it_takes_longer_than_slow_call_and_not_as_long() {
    let (circuit, time) = circuit(Config::new().slow_call(SECOND));
    let on_time = circuit.try_acquire().unwrap();
    time.advance(SECOND);
    on_time.success();
    assert_eq!(circuit.snapshot().calls.slow, 0);
    let slow = circuit.try_acquire().unwrap();
    time.advance(SECOND + NANO);
    slow.success();
    assert_eq!(circuit.snapshot().calls.slow, 1);
}

#[test]
fn r05_a_call_that_is_slow_and_failed_counts_once_in_each_share() {
    let config = Config::new().slow_call(SECOND).slow_call_rate(1.0).minimum_calls(2);
    let (circuit, time) = circuit(config);
    succeed(&circuit, 1);
    let permit = circuit.try_acquire().unwrap();
    time.advance(SECOND * 2);
    permit.failure();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failure_rate, snapshot.slow_call_rate), (Some(0.5), Some(0.5)));
    assert_eq!((snapshot.window_calls, snapshot.calls.failure, snapshot.calls.slow), (2, 1, 1));
}

#[test]
fn r05_a_cancelled_call_is_slow_when_it_was_dropped_late_and_an_ignored_one_never() {
    let (circuit, time) = circuit(Config::new().slow_call(SECOND));
    let (cancelled, ignored) = (circuit.try_acquire().unwrap(), circuit.try_acquire().unwrap());
    time.advance(SECOND * 2);
    ignored.ignore();
    assert_eq!((circuit.snapshot().calls.slow, circuit.snapshot().window_calls), (0, 0));
    drop(cancelled);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.slow, snapshot.window_calls, snapshot.calls.cancelled), (1, 1, 1));
}

#[test]
fn r05_slow_marks_recorded_calls_only() {
    let config = Config::new().slow_call(SECOND).probe_timeout(COOLDOWN);
    let (circuit, time) = due(config);
    let (probe, late) = (circuit.try_acquire().unwrap(), circuit.try_acquire().unwrap());
    time.advance(SECOND * 2);
    probe.ignore();
    circuit.disable();
    late.success();
    let unwatched = circuit.try_acquire().unwrap();
    time.advance(SECOND * 2);
    unwatched.failure();
    assert_eq!(circuit.snapshot().calls.slow, 0);
}

#[test]
fn d25_an_open_circuit_never_runs_the_body() {
    let (circuit, _) = circuit(Config::new());
    for refuse in [CircuitBreaker::trip, CircuitBreaker::force_open] {
        refuse(&circuit);
        let refused = circuit.call(|| -> Result<(), ()> { unreachable!("the body must not run") });
        assert!(matches!(refused, Err(CallError::Rejected(_))));
    }
}

#[test]
fn d26_a_refusal_is_no_outcome() {
    let (circuit, _) = circuit(Config::new());
    circuit.trip();
    let before = circuit.snapshot();
    for _ in 0..10 {
        let rejected = circuit.try_acquire().unwrap_err();
        assert_eq!(rejected.reason(), RejectedReason::Open);
    }
    let after = circuit.snapshot();
    assert_eq!(after.calls, before.calls);
    assert_eq!((after.rejected.open, after.rejected.total()), (10, 10));
    assert_eq!(after.last_failure, None);
}

#[test]
fn r06_a_refusal_says_how_long_to_wait() {
    let (circuit, time) = circuit(Config::new().cooldown(COOLDOWN));
    circuit.trip();
    time.advance(SECOND);
    let rejected = circuit.try_acquire().unwrap_err();
    assert_eq!(rejected.name(), "circuit");
    assert_eq!(rejected.retry_after(), Some(COOLDOWN.saturating_sub(SECOND)));
    assert_eq!(circuit.snapshot().retry_after, rejected.retry_after());
}

#[test]
fn s17_reading_a_circuit_whose_cooldown_is_over_says_so_and_changes_nothing() {
    let (circuit, _time) = due(Config::new());
    for _ in 0..3 {
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.probe_due), (State::Open, true));
        assert_eq!((snapshot.retry_after, snapshot.epoch), (Some(Duration::ZERO), 1));
        assert_eq!(circuit.state(), State::Open);
    }
}

#[test]
fn d27_a_circuit_recovers() {
    let (circuit, time) = circuit(Config::new().failure_threshold(1).success_threshold(2));
    fail(&circuit, 1);
    pass_cooldown(&circuit, &time);
    assert_eq!(circuit.call(|| Ok::<_, ()>(1)), Ok(1));
    assert_eq!(circuit.state(), State::HalfOpen);
    assert_eq!(circuit.call(|| Ok::<_, ()>(2)), Ok(2));
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(circuit.call(|| Ok::<_, ()>(3)), Ok(3));
}

#[test]
fn d02_the_first_probe_counts_towards_the_most_allowed() {
    for most in [1_u32, 2, 3] {
        let (circuit, _time) = due(Config::new().half_open_max_calls(most));
        let probes: Vec<_> = (0..most).map(|_| circuit.try_acquire().unwrap()).collect();
        let rejected = circuit.try_acquire().unwrap_err();
        assert_eq!(rejected.reason(), RejectedReason::HalfOpenFull);
        assert_eq!(rejected.retry_after(), None);
        assert_eq!(circuit.snapshot().probes.in_flight, u64::from(most));
        drop(probes);
    }
}

#[test]
fn s02_callers_that_come_while_a_slow_probe_runs_are_refused() {
    let (circuit, time) = due(Config::new().half_open_max_calls(1).probe_timeout(COOLDOWN));
    let probe = circuit.try_acquire().unwrap();
    for _ in 0..10 {
        time.advance(SECOND);
        assert!(circuit.try_acquire().is_err());
    }
    probe.success();
    assert!(circuit.try_acquire().is_ok());
}

#[test]
fn d03_late_outcomes_give_back_no_slot() {
    let (circuit, time) = circuit(Config::new().half_open_max_calls(1));
    let late: Vec<_> = (0..10).map(|_| circuit.try_acquire().unwrap()).collect();
    circuit.trip();
    pass_cooldown(&circuit, &time);
    let probe = circuit.try_acquire().unwrap();
    for permit in late {
        permit.success();
        assert!(circuit.try_acquire().is_err());
    }
    assert_eq!(circuit.snapshot().probes.in_flight, 1);
    drop(probe);
    assert_eq!(circuit.snapshot().probes.in_flight, 0);
}

#[test]
fn s13_probes_an_hour_apart_close_without_any_minimum() {
    let config = RATE.success_threshold(3).half_open_max_calls(1);
    let (circuit, time) = due(config);
    for _ in 0..3 {
        assert_ne!(circuit.state(), State::Closed);
        succeed(&circuit, 1);
        time.advance(SECOND * 3_600);
    }
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn r08_a_failed_probe_opens_again_for_a_whole_cooldown() {
    let (circuit, _time) = due(Config::new().cooldown(COOLDOWN));
    fail(&circuit, 1);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(COOLDOWN)));
    assert_eq!(snapshot.trip_reason.unwrap().kind, TripKind::FailedProbes);
    assert_eq!((snapshot.probes.failures, snapshot.probes.in_flight), (1, 0));
}

#[test]
fn r08_with_slow_call_two_bad_probes_open_again_and_slow_is_bad() {
    let (circuit, time) = due(Config::new().slow_call(SECOND));
    for expected in [State::HalfOpen, State::Open] {
        let probe = circuit.try_acquire().unwrap();
        time.advance(SECOND + NANO);
        probe.success();
        assert_eq!(circuit.state(), expected);
    }
    assert_eq!(circuit.snapshot().probes.failures, 2);
}

#[test]
fn r09_a_change_of_state_is_one_epoch_and_empties_the_counts() {
    let (circuit, time) = circuit(RATE.failure_threshold(5));
    succeed(&circuit, 6);
    fail(&circuit, 4);
    assert_eq!((circuit.snapshot().epoch, circuit.snapshot().window_calls), (0, 10));
    fail(&circuit, 1);
    let open = circuit.snapshot();
    assert_eq!((open.epoch, open.transitions, open.window_calls), (1, 1, 0));
    assert_eq!((open.failure_rate, open.consecutive_failures), (None, 0));
    assert_eq!(open.consecutive_successes, None);
    pass_cooldown(&circuit, &time);
    succeed(&circuit, 3);
    let closed = circuit.snapshot();
    assert_eq!((closed.state, closed.epoch, closed.transitions), (State::Closed, 3, 3));
    assert_eq!((closed.window_calls, closed.consecutive_successes), (0, Some(0)));
    assert_eq!(closed.trip_reason, None);
}

#[test]
fn r09_the_reason_outlives_the_half_open_state() {
    let (circuit, time) = circuit(Config::new().failure_threshold(2));
    fail(&circuit, 2);
    pass_cooldown(&circuit, &time);
    let _probe = circuit.try_acquire().unwrap();
    let snapshot = circuit.snapshot();
    let reason = snapshot.trip_reason.unwrap();
    assert_eq!(snapshot.state, State::HalfOpen);
    assert_eq!((reason.kind, reason.failed), (TripKind::ConsecutiveFailures, 2));
}

#[test]
fn d04_a_success_from_before_does_not_close_a_half_open_circuit() {
    let (circuit, time) = circuit(Config::new().success_threshold(1));
    let old = circuit.try_acquire().unwrap();
    circuit.trip();
    pass_cooldown(&circuit, &time);
    let _probe = circuit.try_acquire().unwrap();
    old.success();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.calls.late), (State::HalfOpen, 1));
    assert_eq!((snapshot.probes.successes, snapshot.calls.success), (0, 1));
}

#[test]
fn d05_a_failure_from_before_does_not_open_a_half_open_circuit_again() {
    let (circuit, time) = circuit(Config::new().failure_threshold(1));
    let old = circuit.try_acquire().unwrap();
    circuit.trip();
    pass_cooldown(&circuit, &time);
    let _probe = circuit.try_acquire().unwrap();
    old.failure();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.calls.late), (State::HalfOpen, 1));
    assert_eq!((snapshot.probes.failures, snapshot.calls.failure), (0, 1));
}

#[test]
fn d06_a_probe_of_one_half_open_counts_for_nothing_in_the_next() {
    let (circuit, time) = due(Config::new().success_threshold(1).half_open_max_calls(2));
    for end in [breaker_runtime::Permit::success, breaker_runtime::Permit::failure] {
        let old = circuit.try_acquire().unwrap();
        circuit.trip();
        pass_cooldown(&circuit, &time);
        let probe = circuit.try_acquire().unwrap();
        end(old);
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.probes.in_flight), (State::HalfOpen, 1));
        assert_eq!((snapshot.probes.successes, snapshot.probes.failures), (0, 0));
        drop(probe);
    }
    assert_eq!(circuit.snapshot().calls.late, 2);
}

#[test]
fn d07_a_late_failure_does_not_lengthen_the_cooldown() {
    let (circuit, time) = circuit(Config::new().failure_threshold(1).cooldown(COOLDOWN));
    let (first, second) = (circuit.try_acquire().unwrap(), circuit.try_acquire().unwrap());
    first.failure();
    time.advance(SECOND);
    second.failure();
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.retry_after, Some(COOLDOWN.saturating_sub(SECOND)));
    assert_eq!((snapshot.epoch, snapshot.calls.failure, snapshot.calls.late), (1, 2, 1));
}

#[test]
fn s07_calls_that_were_in_flight_at_a_reset_are_late() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    let in_flight: Vec<_> = (0..3).map(|_| circuit.try_acquire().unwrap()).collect();
    circuit.reset();
    for permit in in_flight {
        permit.failure();
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.window_calls), (State::Closed, 0));
    assert_eq!((snapshot.calls.late, snapshot.in_flight), (3, 0));
}

#[test]
fn r10_good_ignored_and_cancelled_calls_can_be_late_too() {
    let (circuit, _) = circuit(Config::new());
    let mut held: Vec<_> = (0..3).map(|_| circuit.try_acquire().unwrap()).collect();
    circuit.reset();
    held.pop().unwrap().success();
    held.pop().unwrap().ignore();
    drop(held);
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.calls.late, 3);
    assert_eq!(
        (snapshot.calls.success, snapshot.calls.ignored, snapshot.calls.cancelled),
        (1, 1, 1)
    );
    assert_eq!(snapshot.consecutive_successes, Some(0));
}

#[test]
fn d13_an_ignored_probe_gives_back_its_slot_and_decides_nothing() {
    let config = Config::new().half_open_max_calls(1).success_threshold(1);
    let (circuit, _time) = due(config);
    for _ in 0..100 {
        circuit.try_acquire().unwrap().ignore();
        assert_eq!(circuit.state(), State::HalfOpen);
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.probes.successes, snapshot.probes.failures), (0, 0));
}

#[test]
fn r11_an_ignored_probe_is_never_slow_and_a_cancelled_one_may_be() {
    let (circuit, time) = due(Config::new().slow_call(SECOND).half_open_failure_threshold(1));
    let (ignored, cancelled) = (circuit.try_acquire().unwrap(), circuit.try_acquire().unwrap());
    time.advance(SECOND * 2);
    ignored.ignore();
    assert_eq!(circuit.state(), State::HalfOpen);
    drop(cancelled);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn d10_a_probe_that_hangs_gives_up_its_slot_and_ends_late() {
    let config = Config::new().half_open_max_calls(1).half_open_failure_threshold(2);
    let (circuit, time) = due(config.probe_timeout(SECOND).success_threshold(1));
    let hung = circuit.try_acquire().unwrap();
    time.advance(SECOND.saturating_sub(NANO));
    assert!(circuit.try_acquire().is_err());
    time.advance(NANO);
    let next = circuit.try_acquire().unwrap();
    hung.success();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.calls.late), (State::HalfOpen, 1));
    assert_eq!((snapshot.probes.lost, snapshot.probes.failures), (1, 1));
    next.success();
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn r12_a_lost_probe_opens_again_as_of_its_deadline() {
    let (circuit, time) = due(Config::new().cooldown(COOLDOWN).probe_timeout(SECOND));
    let hung = circuit.try_acquire().unwrap();
    time.advance(SECOND * 11);
    assert_eq!(circuit.state(), State::HalfOpen, "reading takes no lapse");
    assert!(circuit.try_acquire().is_err());
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.since), (State::Open, SECOND * 10));
    assert_eq!(snapshot.retry_after, Some(COOLDOWN.saturating_sub(SECOND * 10)));
    assert_eq!((snapshot.in_flight, snapshot.calls.failure), (1, 0), "the call goes on");
    hung.failure();
    assert_eq!((circuit.snapshot().calls.failure, circuit.snapshot().calls.late), (1, 1));
}

#[test]
fn r14_permits_that_fail_one_after_another_open_once() {
    let (circuit, _) = circuit(Config::new().failure_threshold(2));
    let permits: Vec<_> = (0..10).map(|_| circuit.try_acquire().unwrap()).collect();
    for permit in permits {
        permit.failure();
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.transitions, snapshot.calls.late), (1, 8));
}

#[test]
fn r15_each_opening_without_a_close_in_between_waits_longer() {
    let config = Config::new().cooldown(SECOND).cooldown_multiplier(3.0).success_threshold(1);
    let (circuit, time) = circuit(config.cooldown_max(SECOND * 20));
    circuit.trip();
    let mut waits = vec![];
    for _ in 0..4 {
        waits.push(circuit.snapshot().retry_after.unwrap().as_secs());
        pass_cooldown(&circuit, &time);
        fail(&circuit, 1);
    }
    assert_eq!(waits, [1, 3, 9, 20]);
    pass_cooldown(&circuit, &time);
    succeed(&circuit, 1);
    circuit.trip();
    assert_eq!(circuit.snapshot().retry_after, Some(SECOND));
}

#[test]
fn r15_a_fleet_with_jitter_does_not_probe_in_step() {
    let config = Config::new().cooldown(COOLDOWN).cooldown_jitter(0.1);
    let waits: HashSet<_> = (0..50)
        .map(|_| {
            let (circuit, _) = circuit(config);
            circuit.trip();
            let wait = circuit.snapshot().retry_after.unwrap();
            assert!((COOLDOWN.mul_f64(0.9)..=COOLDOWN.mul_f64(1.1)).contains(&wait), "{wait:?}");
            wait
        })
        .collect();
    assert!(waits.len() > 45, "only {} different cooldowns", waits.len());
}

#[test]
fn d40_forced_open_outlasts_every_cooldown() {
    let (circuit, time) = circuit(Config::new().cooldown(SECOND));
    circuit.force_open();
    time.advance(SECOND * 1_000_000);
    let rejected = circuit.try_acquire().unwrap_err();
    assert_eq!((rejected.reason(), rejected.retry_after()), (RejectedReason::ForcedOpen, None));
    assert_eq!(circuit.snapshot().rejected.forced_open, 1);
    circuit.reset();
    assert!(circuit.try_acquire().is_ok());
}

#[test]
fn r16_a_disabled_circuit_counts_totals_and_nothing_else() {
    let (circuit, _) = circuit(RATE.failure_threshold(1));
    circuit.disable();
    fail(&circuit, 20);
    succeed(&circuit, 1);
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.state, State::Disabled);
    assert_eq!((snapshot.calls.failure, snapshot.calls.success), (20, 1));
    assert_eq!((snapshot.window_calls, snapshot.failure_rate), (0, None));
    circuit.reset();
    assert_eq!((circuit.state(), circuit.snapshot().window_calls), (State::Closed, 0));
}

#[test]
fn r16_trip_opens_a_closed_circuit_and_leaves_every_other_as_it_is() {
    let (circuit, time) = circuit(Config::new().cooldown(COOLDOWN));
    circuit.trip();
    time.advance(SECOND);
    circuit.trip();
    assert_eq!(circuit.snapshot().retry_after, Some(COOLDOWN.saturating_sub(SECOND)));
    assert_eq!(circuit.snapshot().trip_reason.unwrap().kind, TripKind::Manual);
    for (control, state) in [
        (CircuitBreaker::force_open as fn(&CircuitBreaker), State::ForcedOpen),
        (CircuitBreaker::disable, State::Disabled),
    ] {
        control(&circuit);
        let epoch = circuit.snapshot().epoch;
        circuit.trip();
        assert_eq!((circuit.state(), circuit.snapshot().epoch), (state, epoch));
    }
}

#[test]
fn r16_a_reset_empties_a_closed_circuit_but_not_its_totals() {
    let (circuit, _) = circuit(Config::new());
    succeed(&circuit, 3);
    fail(&circuit, 4);
    circuit.reset();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.epoch, snapshot.transitions), (1, 0));
    assert_eq!((snapshot.window_calls, snapshot.consecutive_failures), (0, 0));
    assert_eq!((snapshot.calls.success, snapshot.calls.failure), (3, 4));
    fail(&circuit, 4);
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn r18_a_rate_is_none_below_minimum_calls_and_0_when_nothing_failed() {
    let (circuit, _) = circuit(RATE.slow_call(SECOND));
    succeed(&circuit, 3);
    assert_eq!(circuit.snapshot().failure_rate, None);
    assert_eq!(circuit.snapshot().slow_call_rate, None);
    succeed(&circuit, 1);
    assert_eq!(circuit.snapshot().failure_rate, Some(0.0));
    assert_eq!(circuit.snapshot().slow_call_rate, Some(0.0));
}

#[test]
fn r18_there_is_no_slow_call_rate_where_no_call_is_timed() {
    let (circuit, _) = circuit(RATE);
    succeed(&circuit, 10);
    assert_eq!(circuit.snapshot().slow_call_rate, None);
    assert_eq!(circuit.snapshot().failure_rate, Some(0.0));
}

#[test]
fn r19_every_call_is_counted_once_whatever_became_of_it() {
    let (circuit, time) = circuit(Config::new().failure_threshold(1).half_open_max_calls(1));
    succeed(&circuit, 3);
    circuit.try_acquire().unwrap().ignore();
    drop(circuit.try_acquire().unwrap());
    let in_flight = circuit.try_acquire().unwrap();
    fail(&circuit, 1);
    assert!(circuit.try_acquire().is_err());
    pass_cooldown(&circuit, &time);
    let probe = circuit.try_acquire().unwrap();
    assert!(circuit.try_acquire().is_err());
    circuit.force_open();
    assert!(circuit.try_acquire().is_err());

    let snapshot = circuit.snapshot();
    assert_balanced(&snapshot, 11);
    assert_eq!((snapshot.calls.started, snapshot.in_flight), (8, 2));
    let rejected = snapshot.rejected;
    assert_eq!((rejected.open, rejected.half_open_full, rejected.forced_open), (1, 1, 1));
    assert_eq!((rejected.bulkhead_full, rejected.total()), (0, 3));
    drop((in_flight, probe));
    assert_balanced(&circuit.snapshot(), 11);
    assert_eq!(circuit.snapshot().in_flight, 0);
}

#[test]
fn r23_a_circuit_cannot_be_made_with_a_wrong_name_or_config() {
    let problem = |made: Result<CircuitBreaker, ConfigError>| made.unwrap_err().option();
    assert_eq!(problem(CircuitBreaker::new("", Config::new())), "name");
    assert_eq!(problem(CircuitBreaker::new("n".repeat(129), Config::new())), "name");
    assert_eq!(problem(CircuitBreaker::new("a\nb", Config::new())), "name");
    let config = Config::new().failure_threshold(0);
    assert_eq!(problem(CircuitBreaker::new("circuit", config)), "failure_threshold");
}

#[test]
fn s15_a_refused_inner_call_is_no_failure_of_the_inner_circuit() {
    let ((outer, _), (inner, _)) = (circuit(Config::new()), circuit(Config::new()));
    inner.trip();
    for _ in 0..10 {
        let _ = outer.call(|| inner.call(|| Ok::<_, ()>(())).or(Ok::<_, ()>(())));
    }
    let snapshot = inner.snapshot();
    assert_eq!((snapshot.calls.failure, snapshot.rejected.open), (0, 10));
    assert_eq!(outer.snapshot().calls.success, 10);
}

#[test]
fn g06_a_circuit_may_guard_a_call_inside_its_own_call() {
    fn depth(circuit: &CircuitBreaker, left: u32) -> Result<u32, CallError<()>> {
        circuit.call(|| match left {
            0 => Ok(0),
            left => Ok(depth(circuit, left - 1).map_or(0, |below| below + 1)),
        })
    }
    let (closed, _) = circuit(Config::new());
    assert_eq!(depth(&closed, 10), Ok(10));
    assert_eq!(closed.snapshot().calls.success, 11);

    let (half_open, _time) = due(Config::new().half_open_max_calls(1));
    assert_eq!(depth(&half_open, 10), Ok(0), "the probe's own slot is taken");
    assert_eq!(half_open.snapshot().rejected.half_open_full, 1);
}

#[test]
fn r20_a_body_may_use_every_control_of_its_own_circuit() {
    let (circuit, _) = circuit(Config::new());
    let seen = Cell::new(0);
    let answer = circuit.call(|| {
        circuit.trip();
        circuit.force_open();
        circuit.disable();
        circuit.reset();
        seen.set(circuit.snapshot().in_flight);
        Ok::<_, ()>(circuit.state())
    });
    assert_eq!((answer, seen.get()), (Ok(State::Closed), 1));
    assert_eq!(circuit.snapshot().calls.late, 1);
}

#[test]
fn a_snapshot_shows_what_the_circuit_is_and_when_things_happened() {
    let config = Config::new().failure_threshold(9);
    let (circuit, time) = circuit(config);
    let new = circuit.snapshot();
    assert_eq!((new.name.as_str(), new.state, new.config), ("circuit", State::Closed, config));
    assert_eq!((new.since, new.epoch, new.transitions), (Duration::ZERO, 0, 0));
    assert_eq!((new.last_failure, new.last_success), (None, None));
    assert!(new.sites.is_empty() && new.conflicts.is_empty());

    fail(&circuit, 1);
    time.advance(SECOND * 3);
    assert_eq!(circuit.snapshot().last_failure, Some(SECOND * 3));
    assert_eq!(circuit.snapshot().since, SECOND * 3);
}

#[test]
fn good_calls_in_a_row_are_shown_up_to_the_window() {
    let (circuit, _) = circuit(Config::new().count_window(3));
    assert_eq!(circuit.snapshot().consecutive_successes, Some(0));
    succeed(&circuit, 2);
    assert_eq!(circuit.snapshot().consecutive_successes, Some(2));
    succeed(&circuit, 2);
    assert_eq!(circuit.snapshot().consecutive_successes, Some(3));
    fail(&circuit, 1);
    assert_eq!(circuit.snapshot().consecutive_successes, Some(0));
}

#[test]
fn a_callers_own_error_passes_through_untouched() {
    let (circuit, _) = circuit(Config::new());
    let error = circuit.call(|| "x".parse::<u8>()).unwrap_err();
    assert_eq!(error, CallError::Failed("x".parse::<u8>().unwrap_err()));
}

#[test]
fn r09_the_reason_of_a_reopening_tells_how_many_probes_were_slow() {
    let config = Config::new().slow_call(SECOND).half_open_failure_threshold(1).cooldown(SECOND);
    let (circuit, time) = circuit(config);
    circuit.trip();
    time.advance(SECOND);
    let probe = circuit.try_acquire().unwrap();
    time.advance(SECOND * 2);
    probe.success();
    let reason = circuit.snapshot().trip_reason.unwrap();
    assert_eq!((reason.failed, reason.slow, reason.calls), (1, 1, 1));
    assert_eq!(reason.to_string(), "1 probe was too slow");
}

#[test]
fn d18_probes_that_take_longer_than_the_time_window_still_close() {
    let config = Config::new().failure_rate(0.5).minimum_calls(1).time_window(SECOND);
    let (circuit, time) = circuit(config);
    fail(&circuit, 1);
    pass_cooldown(&circuit, &time);
    for _ in 0..3 {
        let probe = circuit.try_acquire().unwrap();
        time.advance(SECOND * 2);
        probe.success();
    }
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn r17_a_cooldown_beyond_the_end_of_time_is_until_reset_however_it_is_asked() {
    let time = ManualClock::new();
    let year = Duration::from_secs(365 * 86_400);
    time.advance(year * 100);
    let config = Config::new().cooldown(year * 500);
    let circuit = CircuitBreaker::with_clock("circuit", config, Clock::Manual(time)).unwrap();
    circuit.trip();
    assert_eq!(circuit.snapshot().retry_after, None);
    assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), None);
}
