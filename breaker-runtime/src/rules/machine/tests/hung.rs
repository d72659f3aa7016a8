//! Calls that hang: each is a failure before it ends (R26). Which calls hang is up to the circuit.

use super::*;

#[test]
fn r26_calls_that_hang_are_failures_in_a_row() {
    let mut bench = Bench::new(Config::new().failure_threshold(5));
    assert_eq!(bench.hang(4), Settlement::Recorded);
    assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 4));
    assert_eq!(tally(&bench), (4, 4, 0));
    bench.hang(1);
    assert_eq!(bench.state(), State::Open);
    let reason = reason(&bench);
    assert_eq!((reason.kind, reason.failed, reason.hung), (TripKind::ConsecutiveFailures, 5, 5));
    assert_eq!(reason.to_string(), "5 calls hung");
}

#[test]
fn r26_calls_that_hang_together_are_judged_together() {
    let mut bench = Bench::new(Config::new().failure_threshold(5));
    bench.hang(12);
    let reason = reason(&bench);
    assert_eq!((reason.failed, reason.hung, reason.threshold), (12, 12, Some(5.0)));
}

#[test]
fn r26_a_failure_may_follow_calls_that_hang() {
    let mut bench = Bench::new(Config::new().failure_threshold(3));
    bench.hang(2);
    bench.call(FAILED);
    assert_eq!(reason(&bench).to_string(), "3 failures in a row, 2 of them hung");
}

#[test]
fn r26_a_success_ends_the_run_of_calls_that_hang() {
    for config in [Config::new(), Config::new().time_window(COOLDOWN)] {
        let mut bench = Bench::new(config.failure_threshold(3));
        bench.hang(2);
        bench.call(GOOD);
        bench.hang(2);
        assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 2));
        bench.call(FAILED);
        assert_eq!((reason(&bench).failed, reason(&bench).hung), (3, 2));
    }
}

#[test]
fn r26_calls_that_hang_count_for_the_failure_rate() {
    let rate = Config::new().failure_rate(0.5).minimum_calls(4);
    for config in [rate, rate.time_window(COOLDOWN)] {
        let mut bench = Bench::new(config);
        bench.calls(1, FAILED);
        bench.calls(4, GOOD);
        bench.hang(2);
        assert_eq!((bench.state(), tally(&bench)), (State::Closed, (7, 3, 0)));
        bench.hang(1);
        let reason = reason(&bench);
        assert_eq!((reason.kind, reason.failed, reason.hung), (TripKind::FailureRate, 4, 3));
        let words = "4 of the last 8 calls failed, and 3 hung since the last success";
        assert_eq!(reason.to_string(), words);
    }
}

#[test]
fn r03_calls_that_hang_push_others_out_of_the_window() {
    let config = Config::new().failure_rate(1.0).count_window(3).minimum_calls(3);
    let mut bench = Bench::new(config);
    bench.calls(3, GOOD);
    bench.hang(2);
    assert_eq!((bench.state(), tally(&bench)), (State::Closed, (3, 2, 0)));
    bench.hang(7);
    assert_eq!((reason(&bench).failed, reason(&bench).calls), (3, 3));
}

#[test]
fn r26_a_call_that_hangs_is_the_last_failure() {
    let mut bench = Bench::new(Config::new());
    bench.hang(1);
    bench.wait(SECOND);
    assert_eq!(bench.read().last_failure, Some(SECOND));
}

#[test]
fn r26_a_call_that_hangs_while_recovering_is_a_failure_too() {
    let config = Config::new().failure_threshold(2).success_threshold(1).recovery(COOLDOWN);
    let (mut bench, probe) = half_open(config);
    bench.settle(probe, GOOD);
    bench.hang(1);
    assert_eq!((bench.state(), tally(&bench)), (State::Recovering, (1, 1, 0)));
    bench.hang(1);
    assert_eq!((bench.state(), bench.read().reopenings), (State::Open, 1));
    assert_eq!((reason(&bench).hung, bench.read().last_failure), (2, Some(Duration::ZERO)));
}

#[test]
fn r26_in_other_states_calls_that_hang_are_no_evidence() {
    let acts: [Act; 4] = [Bench::trip, Bench::force_open, Bench::disable, |bench| {
        bench.trip();
        next_probe(bench);
    }];
    for act in acts {
        let mut bench = Bench::new(Config::new().half_open_failure_threshold(1));
        act(&mut bench);
        let state = bench.state();
        assert_eq!(bench.hang(9), Settlement::Neutral, "{state}");
        assert_eq!((bench.state(), bench.read().last_failure), (state, None));
    }
}

#[test]
fn r10_calls_of_another_epoch_that_hang_are_late() {
    let mut bench = Bench::new(Config::new().failure_threshold(1));
    let before = bench.machine.epoch();
    bench.reset();
    assert_eq!(bench.hang_of(before, 9), Settlement::Late);
    assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 0));
}

#[test]
fn r34_calls_that_hang_at_the_end_of_an_order_are_late() {
    let mut bench = Bench::new(Config::new().failure_threshold(1));
    bench.force_open();
    bench.order(Mode::Normal, Some(SECOND));
    bench.wait(SECOND);
    assert_eq!((bench.hang(1), bench.state()), (Settlement::Late, State::ForcedOpen));
}

#[test]
fn r24_a_window_of_another_kind_keeps_how_many_of_the_run_hang() {
    let config = Config::new().failure_threshold(3);
    let mut bench = Bench::new(config);
    bench.hang(2);
    bench.reconfigure(config.time_window(COOLDOWN));
    bench.call(FAILED);
    assert_eq!((reason(&bench).failed, reason(&bench).hung), (3, 2));
}
