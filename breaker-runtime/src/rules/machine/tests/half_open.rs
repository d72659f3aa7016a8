//! Probes: when they run, how many, and what they decide.

use super::*;

#[test]
fn r06_open_refuses_until_the_nanosecond_at_which_the_cooldown_ends() {
    let mut bench = Bench::new(Config::new().cooldown(COOLDOWN));
    bench.trip();
    let refused = |left| Err(Refusal::open(Instant::ZERO.left_to(Instant::ZERO.after(left))));
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
        assert_eq!(
            (reading.state, reading.epoch, reading.past.transitions.total()),
            (State::Open, 1, 1)
        );
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
        hung: 0,
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
fn r12_a_probe_that_begins_again_has_all_of_its_time_and_is_lost_after_its_neighbours() {
    let config = Config::new().half_open_max_calls(2).probe_timeout(SECOND);
    let (mut bench, probe) = half_open(config.half_open_failure_threshold(3));
    bench.admit().unwrap();
    bench.wait(SECOND * 5);
    let probe = bench.begin_again(probe);
    assert_eq!(bench.read().probes.lost, 0, "that is left to others");
    bench.wait(SECOND - NANO);
    assert!(bench.admit().is_ok());
    assert_eq!((bench.read().probes.lost, bench.read().probes.in_flight), (1, 2));
    bench.wait(NANO);
    assert_eq!(bench.settle(probe, GOOD), Settlement::Late);
    assert_eq!(bench.read().probes.lost, 2);
}

#[test]
fn r12_a_probe_that_was_given_up_does_not_begin_again() {
    let config = Config::new().probe_timeout(SECOND).half_open_failure_threshold(2);
    let (mut bench, probe) = half_open(config);
    bench.wait(SECOND);
    bench.admit().unwrap();
    assert_eq!(bench.begin_again(probe), probe);
    assert_eq!((bench.read().probes.lost, bench.read().probes.in_flight), (1, 1));

    let (mut bench, probe) = half_open(config);
    bench.trip();
    assert_eq!(bench.begin_again(probe), probe);
    assert_eq!(bench.settle(probe, GOOD), Settlement::Late);
}

#[test]
fn r12_a_lost_probe_reopens_as_of_its_deadline() {
    let (mut bench, _probe) = half_open(Config::new().cooldown(COOLDOWN).probe_timeout(SECOND));
    bench.wait(SECOND * 11);
    let refusal = bench.admit().unwrap_err();
    assert_eq!(refusal.left.as_duration(), Some(COOLDOWN - SECOND * 10));
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
        assert_eq!(
            (bench.read().probes.lost, bench.read().past.transitions.total()),
            (1, transitions)
        );
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
