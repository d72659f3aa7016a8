//! Changes of state: what they clear, and what may cause them.

use super::*;

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
    let mut note =
        |bench: &Bench| seen.push((bench.read().epoch, bench.read().past.transitions.total()));
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
fn r14_failures_that_cross_the_threshold_together_are_one_transition() {
    let mut bench = Bench::new(Config::new().failure_threshold(1));
    let tickets: Vec<_> = (0..5).map(|_| bench.admit().unwrap()).collect();
    let settled: Vec<_> = tickets.into_iter().map(|it| bench.settle(it, FAILED)).collect();
    assert_eq!(settled[0], Settlement::Recorded);
    assert!(settled[1..].iter().all(|settlement| *settlement == Settlement::Late));
    assert_eq!((bench.read().past.transitions.total(), bench.read().epoch), (1, 1));
}

#[test]
fn r14_probes_that_fail_together_are_one_transition() {
    let config = Config::new().cooldown_multiplier(2.0);
    let (mut bench, first) = half_open(config);
    let second = bench.admit().unwrap();
    bench.settle(first, FAILED);
    assert_eq!(bench.settle(second, FAILED), Settlement::Late);
    assert_eq!((bench.read().past.transitions.total(), left(&bench)), (3, COOLDOWN * 2));
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
    assert_eq!(
        (reading.epoch, reading.past.transitions.total(), reading.since),
        (1, 0, Duration::ZERO)
    );
    bench.calls(2, FAILED);
    assert_eq!(bench.state(), State::Closed);
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
        assert_eq!(bench.read().past.transitions.total(), 30);
    }
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

#[test]
fn r30_the_last_success_has_a_date_until_good_calls_have_none() {
    let clear: [fn(&mut Bench); 3] = [
        |bench| bench.calls(2, GOOD),
        Bench::disable,
        |bench| {
            bench.reset();
            bench.call(slow(GOOD));
        },
    ];
    for clear in clear {
        let config = Config::new().slow_call(SECOND).slow_call_rate(1.0);
        let (mut bench, probe) = half_open(config);
        bench.settle(probe, GOOD);
        bench.wait(SECOND);
        assert_eq!(bench.read().last_success, Some(SECOND));
        clear(&mut bench);
        assert_eq!(bench.read().last_success, None);
        bench.reset();
        bench.trip();
        assert_eq!(bench.read().last_success, None);
    }
}
