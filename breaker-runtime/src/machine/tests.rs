//! Each rule that the machine decides. A test moves time by hand and has one reason to fail.
#![allow(clippy::unchecked_time_subtraction, reason = "a time below zero would fail the test")]

use std::time::Duration;

use super::bench::{Bench, CANCELLED, FAILED, GOOD, IGNORED, slow};
use super::{Settlement, Ticket};
use crate::clock::Instant;
use crate::config::Config;
use crate::error::{Refusal, RejectedReason};
use crate::outcome::Ended;
use crate::state::{State, TripKind, TripReason};
use crate::window::Tally;

const NANO: Duration = Duration::from_nanos(1);
const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(60);

/// Timing is the circuit's business; here a call is slow when the test says so.
const TIMED: Config = Config::new().slow_call(SECOND);

type Act = fn(&mut Bench);

/// A circuit that has just admitted its first probe.
fn half_open(config: Config) -> (Bench, Ticket) {
    let mut bench = Bench::new(config);
    bench.trip();
    let probe = next_probe(&mut bench);
    (bench, probe)
}

/// The first probe of an open circuit, as soon as its cooldown is over.
#[track_caller]
fn next_probe(bench: &mut Bench) -> Ticket {
    bench.wait(bench.read().retry_after.expect("open, and not until reset"));
    bench.admit().expect("a probe is due")
}

fn reason(bench: &Bench) -> TripReason {
    bench.read().trip_reason.expect("a reason")
}

fn tally(bench: &Bench) -> (u64, u64, u64) {
    let Tally { calls, failed, slow } = bench.read().tally;
    (calls, failed, slow)
}

fn left(bench: &Bench) -> Duration {
    bench.read().retry_after.expect("open, and not until reset")
}

#[test]
fn r01_the_nth_consecutive_failure_trips_and_the_one_before_does_not() {
    for limit in 1..=4 {
        let mut bench = Bench::new(Config::new().failure_threshold(limit));
        bench.calls(limit as usize - 1, FAILED);
        assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, limit - 1));
        bench.call(FAILED);
        assert_eq!(bench.state(), State::Open);
    }
}

#[test]
fn r01_the_reason_holds_the_run_and_its_limit() {
    let mut bench = Bench::new(Config::new().failure_threshold(3));
    bench.calls(2, GOOD);
    bench.calls(3, FAILED);
    let expected = TripReason {
        kind: TripKind::ConsecutiveFailures,
        failed: 3,
        slow: 0,
        calls: 3,
        share: None,
        threshold: Some(3.0),
    };
    assert_eq!(reason(&bench), expected);
}

#[test]
fn r01_a_success_sets_the_run_of_failures_to_0() {
    for success in [GOOD, slow(GOOD)] {
        let mut bench = Bench::new(TIMED.failure_threshold(3));
        bench.calls(2, FAILED);
        bench.call(success);
        assert_eq!(bench.read().consecutive_failures, 0);
        bench.calls(2, FAILED);
        assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 2));
        bench.call(FAILED);
        assert_eq!(bench.state(), State::Open);
    }
}

#[test]
fn r01_ignored_and_cancelled_calls_leave_the_run_of_failures() {
    for nothing in [IGNORED, slow(IGNORED), CANCELLED, slow(CANCELLED)] {
        let mut bench = Bench::new(TIMED.failure_threshold(3));
        bench.calls(2, FAILED);
        bench.call(nothing);
        assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 2));
        bench.call(FAILED);
        assert_eq!(bench.state(), State::Open);
    }
}

#[test]
fn r01_a_slow_cancelled_call_does_not_bring_back_a_run_that_a_success_ended() {
    let mut bench = Bench::new(TIMED.failure_threshold(3));
    bench.calls(2, FAILED);
    bench.call(GOOD);
    bench.call(slow(CANCELLED));
    assert_eq!(bench.read().consecutive_failures, 0);
}

#[test]
fn r01_a_slow_failure_is_one_failure() {
    let mut bench = Bench::new(TIMED.failure_threshold(2));
    bench.call(slow(FAILED));
    assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 1));
    bench.call(slow(FAILED));
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r01_time_does_not_end_a_run_of_failures() {
    let mut bench = Bench::new(Config::new().failure_threshold(2));
    bench.call(FAILED);
    bench.wait(Duration::from_secs(365 * 86_400));
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r01_no_run_trips_when_only_a_rate_is_named_but_it_is_counted() {
    let mut bench = Bench::new(Config::new().failure_rate(1.0).minimum_calls(100));
    bench.calls(99, FAILED);
    assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 99));
}

#[test]
fn r02_a_share_equal_to_the_threshold_trips() {
    let mut bench = Bench::new(Config::new().failure_rate(0.5).minimum_calls(4));
    bench.calls(3, GOOD);
    bench.calls(2, FAILED);
    assert_eq!(bench.state(), State::Closed, "2 of 5");
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open, "3 of 6");
}

#[test]
fn r02_every_percentage_trips_at_exactly_its_count() {
    for percent in 1..=100_u32 {
        let rate = f64::from(percent) / 100.0;
        let mut bench = Bench::new(Config::new().failure_rate(rate).minimum_calls(100));
        bench.calls(100 - percent as usize, GOOD);
        bench.calls(percent as usize - 1, FAILED);
        assert_eq!(bench.state(), State::Closed, "before the last of {percent} in 100");
        bench.call(FAILED);
        assert_eq!(bench.state(), State::Open, "{percent} in 100");
    }
}

#[test]
fn r02_the_reason_of_a_rate_holds_the_window_that_was_judged() {
    let config = TIMED.failure_rate(0.5).slow_call_rate(1.0).minimum_calls(4);
    let mut bench = Bench::new(config);
    bench.calls(2, GOOD);
    bench.call(slow(FAILED));
    bench.call(FAILED);
    let expected = TripReason {
        kind: TripKind::FailureRate,
        failed: 2,
        slow: 1,
        calls: 4,
        share: Some(0.5),
        threshold: Some(0.5),
    };
    assert_eq!(reason(&bench), expected);
}

#[test]
fn r02_the_reason_of_the_slow_rate_holds_the_window_that_was_judged() {
    let mut bench = Bench::new(TIMED.slow_call_rate(0.75).minimum_calls(4));
    bench.call(GOOD);
    bench.calls(3, slow(GOOD));
    let expected = TripReason {
        kind: TripKind::SlowCallRate,
        failed: 0,
        slow: 3,
        calls: 4,
        share: Some(0.75),
        threshold: Some(0.75),
    };
    assert_eq!(reason(&bench), expected);
}

#[test]
fn r02_no_rate_is_judged_below_minimum_calls() {
    let mut bench = Bench::new(Config::new().failure_rate(0.1).minimum_calls(4));
    bench.calls(3, FAILED);
    assert_eq!(bench.state(), State::Closed);
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r02_a_fast_success_never_trips_and_the_next_failure_does() {
    let mut bench = Bench::new(Config::new().failure_rate(0.5).minimum_calls(4));
    bench.calls(3, FAILED);
    bench.calls(2, GOOD);
    assert_eq!(bench.state(), State::Closed, "3 of 5 failed, not judged");
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r02_a_slow_success_is_judged_by_the_slow_rate() {
    let mut bench = Bench::new(TIMED.slow_call_rate(0.5).minimum_calls(4));
    bench.calls(2, GOOD);
    bench.call(slow(GOOD));
    assert_eq!(bench.state(), State::Closed);
    bench.call(slow(GOOD));
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r02_a_slow_success_is_judged_by_the_failure_rate_too() {
    let mut bench = Bench::new(TIMED.failure_rate(0.5).slow_call_rate(1.0).minimum_calls(4));
    bench.calls(3, FAILED);
    bench.call(slow(GOOD));
    assert_eq!(reason(&bench).kind, TripKind::FailureRate);
}

#[test]
fn r02_a_failure_is_judged_by_the_slow_rate_too() {
    let config = TIMED.failure_rate(1.0).slow_call_rate(0.5).minimum_calls(4);
    let mut bench = Bench::new(config);
    bench.calls(2, slow(GOOD));
    bench.call(GOOD);
    bench.call(FAILED);
    assert_eq!(reason(&bench).kind, TripKind::SlowCallRate);
}

#[test]
fn r02_a_slow_cancelled_call_is_judged() {
    let mut bench = Bench::new(TIMED.slow_call_rate(0.5).minimum_calls(2));
    bench.call(GOOD);
    bench.call(slow(CANCELLED));
    assert_eq!(reason(&bench).kind, TripKind::SlowCallRate);
}

#[test]
fn r02_calls_that_are_not_recorded_are_not_judged() {
    for nothing in [IGNORED, slow(IGNORED), CANCELLED] {
        let mut bench = Bench::new(TIMED.failure_rate(0.5).minimum_calls(2));
        bench.calls(1, FAILED);
        bench.call(GOOD);
        bench.call(nothing);
        assert_eq!(bench.state(), State::Closed);
    }
}

#[test]
fn r02_slow_calls_open_at_one_half_by_default() {
    let mut bench = Bench::new(TIMED.minimum_calls(4));
    bench.calls(3, GOOD);
    bench.calls(2, slow(GOOD));
    assert_eq!(bench.state(), State::Closed, "2 of 5");
    bench.call(slow(GOOD));
    assert_eq!(bench.state(), State::Open, "3 of 6");
}

#[test]
fn r02_a_rate_that_is_off_never_trips() {
    let mut bench = Bench::new(TIMED.failure_threshold(100).slow_call_rate(1.0).minimum_calls(1));
    bench.calls(50, FAILED);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn r02_where_a_run_and_a_rate_are_reached_together_the_reason_is_the_run() {
    let config = Config::new().failure_threshold(2).failure_rate(0.5).minimum_calls(2);
    let mut bench = Bench::new(config);
    bench.calls(2, FAILED);
    assert_eq!(reason(&bench).kind, TripKind::ConsecutiveFailures);
}

#[test]
fn r02_the_verdict_counts_the_good_calls_since_the_last_bad_one() {
    let mut bench = Bench::new(Config::new().failure_rate(0.5).count_window(10).minimum_calls(2));
    bench.calls(7, GOOD);
    bench.call(FAILED);
    bench.calls(4, GOOD);
    bench.call(FAILED);
    assert_eq!((bench.state(), tally(&bench)), (State::Closed, (10, 2, 0)));
}

#[test]
fn r03_the_window_holds_exactly_the_last_n_calls() {
    let mut bench = Bench::new(Config::new().failure_threshold(9).count_window(4));
    bench.call(FAILED);
    assert_eq!(tally(&bench), (1, 1, 0));
    bench.calls(3, GOOD);
    assert_eq!(tally(&bench), (4, 1, 0));
    bench.call(GOOD);
    assert_eq!(tally(&bench), (4, 0, 0));
}

#[test]
fn r03_a_failure_that_left_the_window_does_not_help_to_trip() {
    let mut bench = Bench::new(Config::new().failure_rate(0.5).count_window(4));
    bench.call(FAILED);
    bench.calls(3, GOOD);
    bench.call(FAILED);
    assert_eq!((bench.state(), tally(&bench)), (State::Closed, (4, 1, 0)));
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r03_a_window_of_one_call_is_that_call() {
    let mut bench = Bench::new(Config::new().failure_rate(1.0).count_window(1));
    bench.calls(5, GOOD);
    assert_eq!(tally(&bench), (1, 0, 0));
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r03_ignored_and_cancelled_calls_are_not_in_the_window() {
    let mut bench = Bench::new(TIMED.count_window(4));
    bench.calls(2, GOOD);
    bench.call(FAILED);
    for nothing in [IGNORED, slow(IGNORED), CANCELLED] {
        assert_eq!(bench.call(nothing), Settlement::Neutral);
        assert_eq!(tally(&bench), (3, 1, 0));
        assert_eq!(bench.read().consecutive_successes, Some(0));
    }
}

#[test]
fn r03_a_slow_cancelled_call_is_in_the_window_as_slow() {
    let mut bench = Bench::new(TIMED.count_window(4));
    bench.call(GOOD);
    assert_eq!(bench.call(slow(CANCELLED)), Settlement::Recorded);
    assert_eq!(tally(&bench), (2, 0, 1));
    assert_eq!(bench.read().consecutive_successes, Some(0));
}

#[test]
fn r05_a_slow_failure_is_counted_once_in_each_share() {
    let mut bench = Bench::new(TIMED);
    bench.call(GOOD);
    bench.call(slow(FAILED));
    assert_eq!(tally(&bench), (2, 1, 1));
}

#[test]
fn r06_open_refuses_until_the_nanosecond_at_which_the_cooldown_ends() {
    let mut bench = Bench::new(Config::new().cooldown(COOLDOWN));
    bench.trip();
    let refused = |left| Err(Refusal { reason: RejectedReason::Open, retry_after: Some(left) });
    assert_eq!(bench.admit(), refused(COOLDOWN));
    bench.wait(COOLDOWN - NANO);
    assert_eq!(bench.admit(), refused(NANO));
    assert_eq!(bench.state(), State::Open);
    bench.wait(NANO);
    assert!(bench.admit().is_ok());
    assert_eq!(bench.state(), State::HalfOpen);
}

#[test]
fn r06_the_call_that_starts_half_open_is_its_first_probe() {
    let (mut bench, probe) = half_open(Config::new().half_open_max_calls(1));
    assert!(probe.probe.is_some());
    assert_eq!(bench.read().probes.in_flight, 1);
    assert_eq!(bench.admit(), Err(Refusal::new(RejectedReason::HalfOpenFull)));
}

#[test]
fn r06_reading_shows_that_a_probe_is_due_and_changes_nothing() {
    let mut bench = Bench::new(Config::new().cooldown(COOLDOWN));
    bench.trip();
    bench.wait(COOLDOWN - NANO);
    assert_eq!((bench.read().probe_due, left(&bench)), (false, NANO));
    bench.wait(NANO);
    for _ in 0..2 {
        let reading = bench.read();
        assert_eq!((reading.probe_due, reading.retry_after), (true, Some(Duration::ZERO)));
        assert_eq!((reading.state, reading.epoch, reading.transitions), (State::Open, 1, 1));
    }
    bench.wait(COOLDOWN);
    assert_eq!((bench.read().probe_due, left(&bench)), (true, Duration::ZERO));
}

#[test]
fn r06_only_an_open_circuit_tells_when_to_retry() {
    let (mut bench, _probe) = half_open(Config::new());
    assert_eq!((bench.read().retry_after, bench.read().probe_due), (None, false));
    bench.force_open();
    assert_eq!((bench.read().retry_after, bench.read().probe_due), (None, false));
    bench.disable();
    assert_eq!((bench.read().retry_after, bench.read().probe_due), (None, false));
    bench.reset();
    assert_eq!((bench.read().retry_after, bench.read().probe_due), (None, false));
}

#[test]
fn r06_a_refusal_does_not_lengthen_the_cooldown() {
    let mut bench = Bench::new(Config::new().cooldown(COOLDOWN));
    bench.trip();
    bench.wait(COOLDOWN - SECOND);
    assert!(bench.admit().is_err());
    assert_eq!(left(&bench), SECOND);
}

#[test]
fn r07_as_many_probes_as_allowed_are_in_flight_and_not_one_more() {
    for most in [1, 3, 10] {
        let (mut bench, _first) = half_open(Config::new().half_open_max_calls(most));
        for _ in 1..most {
            assert!(bench.admit().is_ok());
        }
        assert_eq!(bench.admit(), Err(Refusal::new(RejectedReason::HalfOpenFull)));
        assert_eq!(bench.read().probes.in_flight, u64::from(most));
    }
}

#[test]
fn r07_every_way_to_settle_a_probe_frees_its_slot() {
    let config = TIMED.half_open_max_calls(1).success_threshold(9).half_open_failure_threshold(9);
    for call in [GOOD, FAILED, IGNORED, CANCELLED, slow(GOOD), slow(IGNORED), slow(CANCELLED)] {
        let (mut bench, probe) = half_open(config);
        assert!(bench.admit().is_err());
        bench.settle(probe, call);
        assert_eq!(bench.read().probes.in_flight, 0);
        assert!(bench.admit().is_ok(), "after {call:?}");
        assert!(bench.admit().is_err());
    }
}

#[test]
fn r07_more_probes_than_slots_may_follow_one_another() {
    let (mut bench, probe) = half_open(Config::new().half_open_max_calls(1).success_threshold(5));
    bench.settle(probe, GOOD);
    for _ in 2..=4 {
        bench.call(GOOD);
        assert_eq!(bench.state(), State::HalfOpen);
    }
    bench.call(GOOD);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn r07_settling_a_probe_of_another_half_open_frees_no_slot() {
    let (mut bench, old) = half_open(Config::new().half_open_max_calls(1));
    bench.trip();
    next_probe(&mut bench);
    assert_eq!(bench.settle(old, GOOD), Settlement::Late);
    assert!(bench.admit().is_err());
    assert_eq!(bench.read().probes.in_flight, 1);
}

#[test]
fn r08_the_last_success_needed_closes_and_the_one_before_does_not() {
    for needed in 1..=4_usize {
        let limit = u32::try_from(needed).unwrap();
        let (mut bench, probe) = half_open(Config::new().success_threshold(limit));
        bench.settle(probe, CANCELLED);
        bench.calls(needed - 1, GOOD);
        assert_eq!(bench.state(), State::HalfOpen);
        bench.call(GOOD);
        assert_eq!(bench.state(), State::Closed);
    }
}

#[test]
fn r08_the_last_failure_allowed_reopens_and_the_one_before_does_not() {
    for allowed in 1..=4_usize {
        let limit = u32::try_from(allowed).unwrap();
        let (mut bench, probe) = half_open(Config::new().half_open_failure_threshold(limit));
        bench.settle(probe, CANCELLED);
        bench.calls(allowed - 1, FAILED);
        assert_eq!(bench.state(), State::HalfOpen);
        bench.call(FAILED);
        assert_eq!((bench.state(), left(&bench)), (State::Open, COOLDOWN));
    }
}

#[test]
fn r08_a_success_between_failed_probes_forgives_none_of_them() {
    let (mut bench, probe) = half_open(Config::new().half_open_failure_threshold(2));
    bench.settle(probe, FAILED);
    bench.calls(2, GOOD);
    bench.call(FAILED);
    let expected = TripReason {
        kind: TripKind::FailedProbes,
        failed: 2,
        slow: 0,
        calls: 4,
        share: None,
        threshold: Some(2.0),
    };
    assert_eq!(reason(&bench), expected);
}

#[test]
fn r08_a_failure_between_successful_probes_forgets_none_of_them() {
    let config = Config::new().success_threshold(2).half_open_failure_threshold(2);
    let (mut bench, probe) = half_open(config);
    bench.settle(probe, GOOD);
    bench.call(FAILED);
    bench.call(GOOD);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn r08_a_slow_probe_counts_as_one_failed_probe() {
    for call in [slow(GOOD), slow(FAILED), slow(CANCELLED)] {
        let (mut bench, probe) = half_open(TIMED.half_open_failure_threshold(2));
        assert_eq!(bench.settle(probe, call), Settlement::Recorded);
        let probes = bench.read().probes;
        assert_eq!((probes.successes, probes.failures, probes.lost), (0, 1, 0));
        assert_eq!(bench.state(), State::HalfOpen);
        bench.call(call);
        assert_eq!(bench.state(), State::Open);
    }
}

#[test]
fn r08_half_open_counts_from_0_each_time() {
    let config = Config::new().success_threshold(2).half_open_failure_threshold(2);
    let (mut bench, probe) = half_open(config);
    bench.settle(probe, GOOD);
    bench.call(FAILED);
    bench.trip();
    let probe = next_probe(&mut bench);
    assert_eq!((bench.read().probes.successes, bench.read().probes.failures), (0, 0));
    bench.settle(probe, FAILED);
    bench.call(GOOD);
    assert_eq!(bench.state(), State::HalfOpen);
}

#[test]
fn r08_half_open_touches_no_window_and_waits_for_no_minimum() {
    let config = Config::new().failure_rate(0.5).minimum_calls(50).half_open_failure_threshold(2);
    let (mut bench, probe) = half_open(config);
    bench.settle(probe, FAILED);
    assert_eq!((tally(&bench), bench.read().consecutive_failures), ((0, 0, 0), 0));
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r08_probe_counts_stay_readable_until_the_next_half_open() {
    let (mut bench, probe) = half_open(Config::new().success_threshold(2));
    bench.settle(probe, GOOD);
    let _left_in_flight = bench.admit();
    bench.call(GOOD);
    let probes = bench.read().probes;
    assert_eq!((probes.in_flight, probes.successes, probes.failures), (0, 2, 0));
}

#[test]
fn r09_every_change_of_state_empties_the_evidence() {
    let changes: [Act; 4] = [Bench::trip, Bench::force_open, Bench::disable, Bench::reset];
    for change in changes {
        let mut bench = Bench::new(Config::new());
        bench.calls(3, GOOD);
        bench.calls(2, FAILED);
        bench.call(GOOD);
        change(&mut bench);
        let reading = bench.read();
        assert_eq!((tally(&bench), reading.consecutive_failures), ((0, 0, 0), 0));
        bench.reset();
        bench.calls(4, FAILED);
        assert_eq!((bench.state(), tally(&bench)), (State::Closed, (4, 4, 0)));
        assert_eq!(bench.read().consecutive_successes, Some(0));
    }
}

#[test]
fn r09_a_circuit_that_closes_again_starts_empty() {
    let config = Config::new().failure_threshold(2).success_threshold(1);
    let mut bench = Bench::new(config);
    bench.calls(2, FAILED);
    let probe = next_probe(&mut bench);
    bench.settle(probe, GOOD);
    let reading = bench.read();
    assert_eq!((tally(&bench), reading.consecutive_successes), ((0, 0, 0), Some(0)));
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn r09_each_change_of_state_is_one_epoch_and_one_transition() {
    let mut bench = Bench::new(Config::new().failure_threshold(1).success_threshold(1));
    let mut seen = vec![];
    let mut note = |bench: &Bench| seen.push((bench.read().epoch, bench.read().transitions));
    bench.call(GOOD);
    note(&bench);
    bench.call(FAILED);
    note(&bench);
    let probe = next_probe(&mut bench);
    note(&bench);
    bench.settle(probe, FAILED);
    note(&bench);
    let probe = next_probe(&mut bench);
    bench.settle(probe, GOOD);
    note(&bench);
    assert_eq!(seen, [(0, 0), (1, 1), (2, 2), (3, 3), (5, 5)]);
}

#[test]
fn r09_a_change_of_state_is_dated() {
    let mut bench = Bench::new(Config::new().failure_threshold(1));
    bench.wait(SECOND);
    bench.call(FAILED);
    assert_eq!(bench.read().since, Duration::ZERO);
    bench.wait(SECOND * 3);
    assert_eq!(bench.read().since, SECOND * 3);
}

#[test]
fn r09_the_reason_stays_until_the_next_close() {
    let mut bench = Bench::new(Config::new().failure_threshold(1).success_threshold(1));
    bench.call(FAILED);
    let probe = next_probe(&mut bench);
    assert_eq!(reason(&bench).kind, TripKind::ConsecutiveFailures, "in half-open");
    bench.settle(probe, FAILED);
    assert_eq!(reason(&bench).kind, TripKind::FailedProbes, "after re-opening");
    bench.force_open();
    assert_eq!(reason(&bench).kind, TripKind::FailedProbes, "forced open");
    bench.disable();
    assert_eq!(reason(&bench).kind, TripKind::FailedProbes, "disabled");
    bench.reset();
    assert_eq!(bench.read().trip_reason, None);

    bench.trip();
    let probe = next_probe(&mut bench);
    bench.settle(probe, GOOD);
    assert_eq!(bench.read().trip_reason, None, "closed by probes");
}

#[test]
fn r10_an_outcome_of_another_epoch_moves_nothing_in_any_state() {
    let states: [(State, Act); 5] = [
        (State::Closed, Bench::reset),
        (State::Open, Bench::trip),
        (State::HalfOpen, |bench| {
            bench.trip();
            next_probe(bench);
        }),
        (State::ForcedOpen, Bench::force_open),
        (State::Disabled, Bench::disable),
    ];
    for (state, enter) in states {
        for call in [GOOD, FAILED, IGNORED, CANCELLED, slow(GOOD), slow(CANCELLED)] {
            let config = TIMED.failure_threshold(1).success_threshold(1).minimum_calls(1);
            let mut bench = Bench::new(config.half_open_failure_threshold(1));
            let old = bench.admit().unwrap();
            enter(&mut bench);
            bench.wait(SECOND);
            let before = format!("{:?}", bench.read());
            assert_eq!(bench.settle(old, call), Settlement::Late, "{call:?} in {state}");
            assert_eq!(format!("{:?}", bench.read()), before, "{call:?} in {state}");
            assert_eq!(bench.state(), state);
        }
    }
}

#[test]
fn r10_a_late_probe_moves_nothing_in_the_next_half_open() {
    let config = Config::new().success_threshold(1).half_open_failure_threshold(1);
    for call in [GOOD, FAILED, CANCELLED] {
        let (mut bench, old) = half_open(config);
        bench.trip();
        next_probe(&mut bench);
        assert_eq!(bench.settle(old, call), Settlement::Late);
        assert_eq!(bench.state(), State::HalfOpen);
        let probes = bench.read().probes;
        assert_eq!((probes.in_flight, probes.successes, probes.failures), (1, 0, 0));
    }
}

#[test]
fn r10_a_late_probe_moves_nothing_after_closing() {
    let (mut bench, first) = half_open(Config::new().success_threshold(1).failure_threshold(1));
    let second = bench.admit().unwrap();
    bench.settle(first, GOOD);
    assert_eq!(bench.settle(second, FAILED), Settlement::Late);
    assert_eq!((bench.state(), tally(&bench)), (State::Closed, (0, 0, 0)));
}

#[test]
fn r10_an_outcome_of_the_same_epoch_is_not_late() {
    let mut bench = Bench::new(Config::new());
    let ticket = bench.admit().unwrap();
    bench.wait(COOLDOWN * 100);
    assert_eq!(bench.settle(ticket, FAILED), Settlement::Recorded);
    assert_eq!(bench.call(IGNORED), Settlement::Neutral);
}

#[test]
fn r11_an_ignored_or_cancelled_probe_counts_for_neither_side() {
    for call in [IGNORED, slow(IGNORED), CANCELLED] {
        let config = TIMED.success_threshold(1).half_open_failure_threshold(1);
        let (mut bench, probe) = half_open(config);
        assert_eq!(bench.settle(probe, call), Settlement::Neutral);
        let probes = bench.read().probes;
        assert_eq!((probes.successes, probes.failures, probes.in_flight), (0, 0, 0));
        assert_eq!(bench.state(), State::HalfOpen);
    }
}

#[test]
fn r12_a_probe_is_lost_at_the_nanosecond_of_its_deadline() {
    let config = Config::new().half_open_max_calls(1).probe_timeout(SECOND);
    let (mut bench, _probe) = half_open(config.half_open_failure_threshold(2));
    bench.wait(SECOND - NANO);
    assert!(bench.admit().is_err());
    assert_eq!(bench.read().probes.lost, 0);
    bench.wait(NANO);
    assert!(bench.admit().is_ok());
    let probes = bench.read().probes;
    assert_eq!((probes.lost, probes.failures, probes.in_flight), (1, 1, 1));
}

#[test]
fn r12_a_probe_settled_before_its_deadline_counts_and_at_its_deadline_is_late() {
    let config = Config::new().probe_timeout(SECOND).success_threshold(1);
    let (mut bench, probe) = half_open(config);
    bench.wait(SECOND - NANO);
    assert_eq!(bench.settle(probe, GOOD), Settlement::Recorded);
    assert_eq!(bench.state(), State::Closed);

    let (mut bench, probe) = half_open(config.half_open_failure_threshold(2));
    bench.wait(SECOND);
    assert_eq!(bench.settle(probe, GOOD), Settlement::Late);
    assert_eq!((bench.state(), bench.read().probes.lost), (State::HalfOpen, 1));
}

#[test]
fn r12_a_lost_probe_reopens_as_of_its_deadline() {
    let (mut bench, _probe) = half_open(Config::new().cooldown(COOLDOWN).probe_timeout(SECOND));
    bench.wait(SECOND * 11);
    let refusal = bench.admit().unwrap_err();
    assert_eq!(refusal.retry_after, Some(COOLDOWN - SECOND * 10));
    assert_eq!(bench.read().since, SECOND * 10);
    assert_eq!(reason(&bench).kind, TripKind::FailedProbes);
}

#[test]
fn r12_a_circuit_found_long_after_a_loss_probes_at_once() {
    let (mut bench, _probe) = half_open(Config::new().cooldown(COOLDOWN).probe_timeout(SECOND));
    bench.wait(SECOND + COOLDOWN - NANO);
    assert!(bench.admit().is_err());
    bench.wait(NANO);
    assert!(bench.admit().is_ok());
    assert_eq!((bench.state(), bench.read().epoch), (State::HalfOpen, 4));
    let probes = bench.read().probes;
    assert_eq!((probes.in_flight, probes.failures, probes.lost), (1, 0, 0));
}

#[test]
fn r12_lapses_take_effect_in_the_order_of_their_deadlines() {
    let config = Config::new().half_open_max_calls(3).half_open_failure_threshold(2);
    let (mut bench, _first) = half_open(config.probe_timeout(SECOND * 10));
    for _ in 0..2 {
        bench.wait(SECOND);
        bench.admit().unwrap();
    }
    bench.wait(SECOND * 100);
    bench.trip();
    assert_eq!(bench.state(), State::Open);
    assert_eq!(bench.read().since, SECOND * 91, "opened by the second of the three");
    assert_eq!(bench.read().probes.lost, 2);
}

#[test]
fn r12_a_lapse_takes_effect_when_a_neighbour_settles() {
    let config = Config::new().success_threshold(1).half_open_failure_threshold(1);
    let (mut bench, _lost) = half_open(config.probe_timeout(SECOND * 2));
    bench.wait(SECOND);
    let neighbour = bench.admit().unwrap();
    bench.wait(SECOND);
    assert_eq!(bench.settle(neighbour, GOOD), Settlement::Late);
    assert_eq!((bench.state(), bench.read().since), (State::Open, Duration::ZERO));
}

#[test]
fn r12_a_lapse_takes_effect_before_a_manual_control() {
    let controls: [(Act, u64); 4] =
        [(Bench::trip, 3), (Bench::force_open, 4), (Bench::disable, 4), (Bench::reset, 4)];
    for (control, transitions) in controls {
        let (mut bench, _lost) = half_open(Config::new().probe_timeout(SECOND));
        bench.wait(SECOND);
        control(&mut bench);
        assert_eq!((bench.read().probes.lost, bench.read().transitions), (1, transitions));
    }
}

#[test]
fn r12_reading_takes_no_lapse() {
    let (mut bench, _probe) = half_open(Config::new().probe_timeout(SECOND));
    bench.wait(SECOND * 100);
    let reading = bench.read();
    assert_eq!((reading.state, reading.epoch), (State::HalfOpen, 2));
    assert_eq!((reading.probes.in_flight, reading.probes.lost), (1, 0));
}

#[test]
fn r12_a_lost_probe_is_told_apart_from_the_one_in_its_slot() {
    let config = Config::new().half_open_max_calls(1).probe_timeout(SECOND).success_threshold(1);
    let (mut bench, lost) = half_open(config.half_open_failure_threshold(2));
    bench.wait(SECOND);
    let neighbour = bench.admit().unwrap();
    assert_eq!(lost.epoch, neighbour.epoch);
    assert_eq!(bench.settle(lost, GOOD), Settlement::Late);
    assert_eq!((bench.state(), bench.read().probes.in_flight), (State::HalfOpen, 1));
    assert_eq!(bench.settle(neighbour, GOOD), Settlement::Recorded);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn r12_a_probe_without_a_deadline_in_time_is_never_lost() {
    let (mut bench, probe) = half_open(Config::new().probe_timeout(Duration::MAX));
    bench.wait(Duration::MAX);
    assert_eq!(bench.settle(probe, FAILED), Settlement::Recorded);
    assert_eq!(bench.read().probes.lost, 0);
}

#[test]
fn r14_failures_that_cross_the_threshold_together_are_one_transition() {
    let mut bench = Bench::new(Config::new().failure_threshold(1));
    let tickets: Vec<_> = (0..5).map(|_| bench.admit().unwrap()).collect();
    let settled: Vec<_> = tickets.into_iter().map(|it| bench.settle(it, FAILED)).collect();
    assert_eq!(settled[0], Settlement::Recorded);
    assert!(settled[1..].iter().all(|settlement| *settlement == Settlement::Late));
    assert_eq!((bench.read().transitions, bench.read().epoch), (1, 1));
}

#[test]
fn r14_probes_that_fail_together_are_one_transition() {
    let config = Config::new().cooldown_multiplier(2.0);
    let (mut bench, first) = half_open(config);
    let second = bench.admit().unwrap();
    bench.settle(first, FAILED);
    assert_eq!(bench.settle(second, FAILED), Settlement::Late);
    assert_eq!((bench.read().transitions, left(&bench)), (3, COOLDOWN * 2));
}

/// Re-opens the circuit by a failed probe.
fn reopen(bench: &mut Bench) {
    let probe = next_probe(bench);
    bench.settle(probe, FAILED);
}

#[test]
fn r15_each_reopening_waits_longer_by_the_multiplier_up_to_the_longest() {
    let config = Config::new().cooldown(SECOND * 10).cooldown_multiplier(2.0);
    let mut bench = Bench::new(config.cooldown_max(SECOND * 70));
    bench.trip();
    let mut waits = vec![left(&bench)];
    for _ in 0..4 {
        reopen(&mut bench);
        waits.push(left(&bench));
    }
    assert_eq!(waits, [10, 20, 40, 70, 70].map(Duration::from_secs));
}

#[test]
fn r15_without_a_maximum_it_is_ten_cooldowns() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND).cooldown_multiplier(7.0));
    bench.trip();
    reopen(&mut bench);
    assert_eq!(left(&bench), SECOND * 7);
    reopen(&mut bench);
    assert_eq!(left(&bench), SECOND * 10);
}

#[test]
fn r15_a_multiplier_need_not_be_a_whole_number() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND * 10).cooldown_multiplier(1.5));
    bench.trip();
    reopen(&mut bench);
    assert_eq!(left(&bench), SECOND * 15);
    reopen(&mut bench);
    assert_eq!(left(&bench), Duration::from_millis(22_500));
}

#[test]
fn r15_without_a_multiplier_every_cooldown_is_the_same_to_the_nanosecond() {
    for cooldown in [NANO, COOLDOWN + NANO, Duration::from_secs(400 * 86_400) + NANO] {
        let mut bench = Bench::new(Config::new().cooldown(cooldown));
        bench.trip();
        assert_eq!(left(&bench), cooldown);
        reopen(&mut bench);
        assert_eq!(left(&bench), cooldown);
    }
}

#[test]
fn r15_the_first_cooldown_is_exact_with_a_multiplier_too() {
    let cooldown = Duration::from_secs(400 * 86_400) + NANO;
    let mut bench = Bench::new(Config::new().cooldown(cooldown).cooldown_multiplier(2.0));
    bench.trip();
    assert_eq!(left(&bench), cooldown);
}

#[test]
fn r15_a_lost_probe_and_a_manual_trip_of_half_open_are_reopenings() {
    let config = Config::new().cooldown_multiplier(2.0).probe_timeout(SECOND);
    let (mut bench, _probe) = half_open(config);
    bench.trip();
    assert_eq!(left(&bench), COOLDOWN * 2);
    next_probe(&mut bench);
    bench.wait(SECOND);
    assert!(bench.admit().is_err());
    assert_eq!(left(&bench), COOLDOWN * 4);
}

#[test]
fn r15_a_trip_of_an_open_circuit_is_no_reopening() {
    let mut bench = Bench::new(Config::new().cooldown_multiplier(2.0));
    bench.trip();
    bench.trip();
    reopen(&mut bench);
    assert_eq!(left(&bench), COOLDOWN * 2);
}

#[test]
fn r15_closing_and_every_control_start_again_from_the_first_cooldown() {
    let ends: [Act; 4] = [
        |bench| {
            let probe = next_probe(bench);
            bench.settle(probe, GOOD);
        },
        Bench::reset,
        |bench| {
            bench.force_open();
            bench.reset();
        },
        |bench| {
            bench.disable();
            bench.reset();
        },
    ];
    for end in ends {
        let mut bench = Bench::new(Config::new().cooldown_multiplier(2.0).success_threshold(1));
        bench.trip();
        reopen(&mut bench);
        assert_eq!(left(&bench), COOLDOWN * 2);
        end(&mut bench);
        assert_eq!(bench.state(), State::Closed);
        bench.trip();
        assert_eq!(left(&bench), COOLDOWN);
        reopen(&mut bench);
        assert_eq!(left(&bench), COOLDOWN * 2);
    }
}

#[test]
fn r15_growth_without_end_stops_at_the_longest() {
    let config = Config::new().cooldown_multiplier(1e300).cooldown_max(COOLDOWN * 3);
    let mut bench = Bench::new(config);
    bench.trip();
    for _ in 0..10_000 {
        reopen(&mut bench);
        assert_eq!(left(&bench), COOLDOWN * 3);
    }
}

#[test]
fn r15_jitter_spreads_cooldowns_evenly_over_its_whole_range() {
    const TRIPS: u32 = 10_000;
    let config = Config::new().cooldown(SECOND * 1_000).cooldown_jitter(0.2);
    let mut bench = Bench::seeded(config, 7);
    let mut tenths = [0_u32; 10];
    for _ in 0..TRIPS {
        bench.trip();
        let wait = left(&bench);
        assert!((SECOND * 800..=SECOND * 1_200).contains(&wait), "{wait:?}");
        tenths[((wait - SECOND * 800).as_secs() / 40).min(9) as usize] += 1;
        bench.reset();
    }
    // 1,000 are expected in each tenth of the range, give or take five standard deviations.
    assert!(tenths.iter().all(|count| (850..=1_150).contains(count)), "{tenths:?}");
}

#[test]
fn r15_jitter_stretches_each_reopening_by_a_share_of_its_own_length() {
    let config = Config::new().cooldown(SECOND * 10).cooldown_jitter(0.5);
    let config = config.cooldown_multiplier(2.0).cooldown_max(SECOND * 1_000);
    let mut longest = Duration::ZERO;
    for seed in 0..200 {
        let mut bench = Bench::seeded(config, seed);
        bench.trip();
        reopen(&mut bench);
        assert!((SECOND * 10..=SECOND * 30).contains(&left(&bench)));
        longest = longest.max(left(&bench));
    }
    assert!(longest > SECOND * 25, "{longest:?}");
}

#[test]
fn r15_jitter_never_exceeds_the_longest_cooldown() {
    let config = Config::new().cooldown(SECOND * 10).cooldown_jitter(0.5);
    let config = config.cooldown_multiplier(1.0).cooldown_max(SECOND * 10);
    let mut capped = 0;
    for seed in 0..200 {
        let mut bench = Bench::seeded(config, seed);
        bench.trip();
        assert!(left(&bench) <= SECOND * 10);
        capped += u32::from(left(&bench) == SECOND * 10);
    }
    assert!((50..150).contains(&capped), "about half of them, not {capped}");
}

#[test]
fn r15_circuits_with_different_seeds_do_not_probe_in_step() {
    let config = Config::new().cooldown_jitter(0.1);
    let wait = |seed| {
        let mut bench = Bench::seeded(config, seed);
        bench.trip();
        left(&bench)
    };
    assert_ne!(wait(1), wait(2));
}

#[test]
fn r16_trip_opens_from_closed_and_half_open() {
    let mut bench = Bench::new(Config::new());
    bench.trip();
    assert_eq!((bench.state(), reason(&bench)), (State::Open, TripReason::MANUAL));
    next_probe(&mut bench);
    bench.trip();
    assert_eq!((bench.state(), left(&bench)), (State::Open, COOLDOWN));
}

#[test]
fn r16_trip_never_lengthens_a_cooldown_nor_changes_what_a_person_set() {
    let mut bench = Bench::new(Config::new().cooldown(COOLDOWN));
    bench.trip();
    bench.wait(SECOND);
    bench.trip();
    assert_eq!((left(&bench), bench.read().epoch), (COOLDOWN - SECOND, 1));
    bench.wait(COOLDOWN);
    bench.trip();
    assert_eq!((left(&bench), bench.read().epoch), (Duration::ZERO, 1), "a probe stays due");
    bench.force_open();
    bench.trip();
    assert_eq!((bench.state(), bench.read().epoch), (State::ForcedOpen, 2));
    bench.disable();
    bench.trip();
    assert_eq!((bench.state(), bench.read().epoch), (State::Disabled, 3));
}

#[test]
fn r16_a_control_that_changes_nothing_is_no_transition() {
    let mut bench = Bench::new(Config::new());
    bench.force_open();
    bench.wait(SECOND);
    bench.force_open();
    assert_eq!((bench.read().epoch, bench.read().since), (1, SECOND));
    bench.disable();
    bench.wait(SECOND);
    bench.disable();
    assert_eq!((bench.read().epoch, bench.read().since), (2, SECOND));
}

#[test]
fn r16_forced_open_refuses_for_ever() {
    let mut bench = Bench::new(Config::new());
    bench.force_open();
    for _ in 0..2 {
        assert_eq!(bench.admit(), Err(Refusal::new(RejectedReason::ForcedOpen)));
        bench.wait(Duration::MAX);
    }
}

#[test]
fn r16_disabled_lets_everything_through_and_records_nothing() {
    let mut bench = Bench::new(TIMED.failure_threshold(1).minimum_calls(1));
    bench.disable();
    for call in [FAILED, slow(FAILED), GOOD, slow(GOOD), IGNORED, CANCELLED] {
        assert_eq!(bench.call(call), Settlement::Neutral);
    }
    let reading = bench.read();
    assert_eq!((reading.state, tally(&bench)), (State::Disabled, (0, 0, 0)));
    assert_eq!((reading.consecutive_failures, reading.consecutive_successes), (0, None));
    assert_eq!(reading.last_failure, None);
}

#[test]
fn r16_the_last_control_wins() {
    let controls: [(Act, State); 3] = [
        (Bench::force_open, State::ForcedOpen),
        (Bench::disable, State::Disabled),
        (Bench::reset, State::Closed),
    ];
    for (first, _) in controls {
        for (last, expected) in controls {
            let mut bench = Bench::new(Config::new());
            first(&mut bench);
            last(&mut bench);
            assert_eq!(bench.state(), expected);
        }
    }
}

#[test]
fn r16_a_reset_of_a_closed_circuit_empties_it_and_is_an_epoch_but_no_transition() {
    let mut bench = Bench::new(Config::new().failure_threshold(3));
    bench.calls(4, GOOD);
    bench.calls(2, FAILED);
    bench.wait(SECOND);
    bench.reset();
    let reading = bench.read();
    assert_eq!((reading.epoch, reading.transitions, reading.since), (1, 0, Duration::ZERO));
    bench.calls(2, FAILED);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn r17_a_cooldown_without_end_lasts_until_reset() {
    let mut bench = Bench::new(Config::new().cooldown(Duration::MAX));
    bench.trip();
    let refused = Err(Refusal { reason: RejectedReason::Open, retry_after: None });
    assert_eq!(bench.admit(), refused);
    bench.wait(Duration::MAX);
    assert_eq!(bench.admit(), refused);
    assert_eq!((bench.read().retry_after, bench.read().probe_due), (None, false));
    bench.reset();
    assert!(bench.admit().is_ok());
}

#[test]
fn r17_a_cooldown_without_end_stays_so_with_jitter_and_a_multiplier() {
    for seed in 0..20 {
        let config = Config::new().cooldown(Duration::MAX).cooldown_jitter(0.9);
        let mut bench = Bench::seeded(config.cooldown_multiplier(2.0), seed);
        bench.trip();
        assert_eq!(bench.read().retry_after, None);
    }
}

#[test]
fn r17_a_clock_that_goes_back_stands_still() {
    let mut bench = Bench::new(Config::new().cooldown(COOLDOWN));
    let start = bench.now;
    bench.trip();
    bench.wait(SECOND);
    assert!(bench.admit().is_err());
    bench.now = Instant::ZERO;
    assert_eq!(bench.admit().unwrap_err().retry_after, Some(COOLDOWN - SECOND));
    assert_eq!((left(&bench), bench.read().since), (COOLDOWN - SECOND, SECOND));
    bench.now = start.after(COOLDOWN);
    assert!(bench.admit().is_ok());
}

#[test]
fn r17_a_probe_admitted_while_the_clock_is_back_has_its_full_time() {
    let config = Config::new().probe_timeout(SECOND).half_open_failure_threshold(1);
    let (mut bench, probe) = half_open(config);
    let admitted = bench.now;
    bench.settle(probe, CANCELLED);
    bench.now = Instant::ZERO;
    let probe = bench.admit().unwrap();
    bench.now = admitted.after(SECOND - NANO);
    assert_eq!(bench.settle(probe, GOOD), Settlement::Recorded);
}

#[test]
fn s12_a_circuit_works_on_when_its_epochs_wrap() {
    for last in [(1 << 41) - 1, u64::MAX] {
        let mut bench = Bench::new(Config::new().failure_threshold(1).success_threshold(1));
        bench.machine.epoch = last - 2;
        for _ in 0..10 {
            let from_before = bench.admit().unwrap();
            bench.call(FAILED);
            assert_eq!(bench.settle(from_before, FAILED), Settlement::Late);
            let probe = next_probe(&mut bench);
            assert_eq!(bench.settle(from_before, GOOD), Settlement::Late);
            assert_eq!(bench.settle(probe, GOOD), Settlement::Recorded);
            assert_eq!(bench.state(), State::Closed);
            assert_eq!(bench.settle(from_before, FAILED), Settlement::Late);
        }
        assert_eq!(bench.read().transitions, 30);
    }
}

#[test]
fn good_calls_in_a_row_are_counted_up_to_the_window() {
    let mut bench = Bench::new(TIMED.count_window(3));
    let seen: Vec<_> = [GOOD, GOOD, GOOD, GOOD, CANCELLED, slow(GOOD), GOOD, FAILED]
        .into_iter()
        .map(|call: Ended| {
            bench.call(call);
            bench.read().consecutive_successes.unwrap()
        })
        .collect();
    assert_eq!(seen, [1, 2, 3, 3, 3, 0, 1, 0]);
    bench.trip();
    assert_eq!(bench.read().consecutive_successes, None);
}

#[test]
fn recorded_outcomes_are_dated_and_late_ones_are_not() {
    let (mut bench, probe) = half_open(Config::new());
    bench.settle(probe, GOOD);
    bench.wait(SECOND);
    let late = bench.admit().unwrap();
    bench.call(FAILED);
    bench.wait(SECOND);
    bench.settle(late, FAILED);
    let reading = bench.read();
    assert_eq!(reading.last_failure, Some(SECOND));
    assert_eq!(reading.last_success, Some(SECOND * 2));
}
