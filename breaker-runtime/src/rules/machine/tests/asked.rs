//! Failures that ask to stay away for a time (R28).

use super::*;

const MINUTES: Duration = Duration::from_secs(120);

fn settle_asking(bench: &mut Bench, ticket: Ticket, asks: Duration) -> Settlement {
    bench.settle_asking(ticket, FAILED, asks)
}

#[test]
fn r28_one_failure_that_asks_opens_for_that_long() {
    let mut bench = Bench::new(Config::new());
    let ticket = bench.admit().unwrap();
    assert_eq!(settle_asking(&mut bench, ticket, MINUTES), Settlement::Recorded);
    assert_eq!((bench.state(), left(&bench)), (State::Open, MINUTES));
    let reason = reason(&bench);
    assert_eq!((reason.kind, reason.failed, reason.threshold), (TripKind::Asked, 1, Some(120.0)));
    assert_eq!(reason.to_string(), "a failure asked for 2m");
}

#[test]
fn r28_nobody_is_believed_for_longer_than_open_for_max() {
    let mut bench = Bench::new(Config::new().open_for_max(SECOND));
    let ticket = bench.admit().unwrap();
    settle_asking(&mut bench, ticket, Duration::MAX);
    assert_eq!(left(&bench), SECOND);
}

#[test]
fn r28_zero_is_no_answer() {
    let mut bench = Bench::new(Config::new().failure_threshold(2));
    let ticket = bench.admit().unwrap();
    assert_eq!(settle_asking(&mut bench, ticket, Duration::ZERO), Settlement::Recorded);
    assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 1));
}

#[test]
fn r28_a_probe_that_asks_re_opens_at_once_and_escalates() {
    let config = Config::new().half_open_failure_threshold(3).cooldown_multiplier(2.0);
    let (mut bench, probe) = half_open(config);
    settle_asking(&mut bench, probe, MINUTES);
    assert_eq!((bench.state(), left(&bench)), (State::Open, MINUTES));
    assert_eq!((bench.read().reopenings, bench.read().probes.failures), (1, 1));
}

#[test]
fn r28_a_lost_probe_asks_nothing() {
    let (mut bench, probe) = half_open(Config::new().half_open_failure_threshold(2));
    bench.wait(COOLDOWN);
    assert_eq!(settle_asking(&mut bench, probe, MINUTES), Settlement::Late);
    assert_eq!(bench.state(), State::HalfOpen);
}

#[test]
fn r28_late_outcomes_ask_nothing() {
    let mut bench = Bench::new(Config::new());
    let ticket = bench.admit().unwrap();
    bench.reset();
    assert_eq!(settle_asking(&mut bench, ticket, MINUTES), Settlement::Late);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn r28_a_failure_while_recovering_may_ask_too() {
    let config = Config::new().success_threshold(1).recovery(COOLDOWN);
    let (mut bench, probe) = half_open(config);
    bench.settle(probe, GOOD);
    let ticket = (0..10).find_map(|_| bench.admit().ok()).unwrap();
    settle_asking(&mut bench, ticket, MINUTES);
    assert_eq!((bench.state(), left(&bench), bench.read().reopenings), (State::Open, MINUTES, 1));
}

#[test]
fn r28_calls_of_a_disabled_circuit_ask_nothing() {
    let mut bench = Bench::new(Config::new());
    bench.disable();
    let ticket = bench.admit().unwrap();
    assert_eq!(settle_asking(&mut bench, ticket, MINUTES), Settlement::Neutral);
    assert_eq!(bench.state(), State::Disabled);
}

#[test]
fn r24_other_settings_leave_an_asked_time_but_for_its_limit() {
    let mut bench = Bench::new(Config::new());
    let ticket = bench.admit().unwrap();
    settle_asking(&mut bench, ticket, MINUTES);
    bench.wait(SECOND * 30);
    bench.reconfigure(Config::new().cooldown(SECOND));
    assert_eq!(left(&bench), SECOND * 90);
    bench.reconfigure(Config::new().open_for_max(SECOND * 40));
    assert_eq!(left(&bench), SECOND * 10);
    bench.reconfigure(Config::new().open_for_max(SECOND));
    assert_eq!((left(&bench), bench.read().probe_due), (Duration::ZERO, true));
    bench.reconfigure(Config::new());
    assert_eq!(left(&bench), Duration::ZERO, "a wait that is over does not come back");
}

#[test]
fn r28_after_an_asked_time_the_next_opening_goes_by_the_cooldown() {
    let mut bench = Bench::new(Config::new());
    let ticket = bench.admit().unwrap();
    settle_asking(&mut bench, ticket, MINUTES);
    bench.wait(MINUTES);
    let probe = bench.admit().expect("it is over");
    bench.settle(probe, FAILED);
    assert_eq!((reason(&bench).kind, left(&bench)), (TripKind::FailedProbes, COOLDOWN));
    bench.reconfigure(Config::new().cooldown(SECOND * 3));
    assert_eq!(left(&bench), SECOND * 3);
}

#[test]
fn r31_a_restored_opening_that_was_asked_for_is_limited_by_open_for_max() {
    let mut before = Bench::new(Config::new());
    let ticket = before.admit().unwrap();
    settle_asking(&mut before, ticket, MINUTES * 4);
    let downtime = before.machine.downtime(before.now).unwrap();
    let config = Config::new().cooldown(SECOND);
    for (config, expected) in [(config, MINUTES * 4), (config.open_for_max(MINUTES), MINUTES)] {
        let mut after = Bench::new(config);
        let good = after.good();
        assert!(after.act(|machine, now| machine.restore(downtime, good, now)));
        assert_eq!(left(&after), expected);
    }
}

#[test]
fn r28_a_slow_failure_that_asks_is_slow() {
    let mut bench = Bench::new(Config::new().slow_call(SECOND));
    let ticket = bench.admit().unwrap();
    bench.settle_asking(ticket, slow(FAILED), MINUTES);
    assert_eq!((reason(&bench).slow, reason(&bench).calls), (1, 1));
    assert_eq!(bench.read().last_failure, Some(Duration::ZERO));
}
