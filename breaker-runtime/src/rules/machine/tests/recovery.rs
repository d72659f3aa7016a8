//! Recovering: a growing share of the calls runs (R27).

use proptest::prelude::*;

use super::super::Machine;
use super::*;

const RECOVERY: Duration = Duration::from_secs(100);
const CONFIG: Config = Config::new().success_threshold(1).recovery(RECOVERY);

/// A circuit whose probe has just succeeded.
fn recovering(config: Config) -> Bench {
    let (mut bench, probe) = half_open(config);
    bench.settle(probe, GOOD);
    assert_eq!(bench.state(), State::Recovering);
    bench
}

/// Which of that many calls are let in.
fn let_in(bench: &mut Bench, calls: usize) -> Vec<usize> {
    (1..=calls).filter(|_| bench.admit().is_ok()).collect()
}

fn share(bench: &Bench) -> f64 {
    bench.read().recovering_share.expect("it is recovering")
}

#[test]
fn r27_without_the_option_good_probes_close_at_once() {
    let (mut bench, probe) = half_open(Config::new().success_threshold(1));
    bench.settle(probe, GOOD);
    assert_eq!((bench.state(), bench.read().recovering_share), (State::Closed, None));
}

#[test]
fn r27_a_tenth_of_the_calls_runs_at_first_evenly_spread() {
    let mut bench = recovering(CONFIG);
    assert_eq!(let_in(&mut bench, 40), [10, 20, 30, 40]);
}

#[test]
fn r27_the_share_grows_in_a_straight_line_to_all() {
    let mut bench = recovering(CONFIG);
    for (percent, expected) in [(0, 0.1), (50, 0.55), (100, 1.0)] {
        let mut bench = recovering(CONFIG);
        bench.wait(RECOVERY * percent / 100);
        assert!((share(&bench) - expected).abs() < 1e-9, "{percent} %: {}", share(&bench));
    }
    bench.wait(RECOVERY / 2);
    assert_eq!(let_in(&mut bench, 100).len(), 55);
}

#[test]
fn r27_refusals_say_that_it_is_recovering() {
    let mut bench = recovering(CONFIG);
    assert_eq!(bench.admit().unwrap_err(), Refusal::new(RejectedReason::Recovering));
    assert_eq!(bench.read().retry_after, None);
}

#[test]
fn r27_it_is_closed_at_the_next_call_after_the_recovery() {
    let mut bench = recovering(CONFIG);
    bench.machine.take_news();
    bench.wait(RECOVERY - NANO);
    assert!(bench.admit().is_err());
    bench.wait(NANO);
    assert_eq!((bench.read().state, share(&bench)), (State::Recovering, 1.0), "no call came");
    bench.admit().expect("closed");
    assert_eq!(bench.state(), State::Closed);
    let news = bench.machine.take_news();
    assert_eq!(news[0].to_string(), "recovering -> closed: the recovery is over");
}

#[test]
fn r27_evidence_is_judged_as_when_closed() {
    let rate = CONFIG.failure_rate(0.5).minimum_calls(4);
    for (config, calls, kind) in [
        (CONFIG.failure_threshold(2), &[FAILED, FAILED][..], TripKind::ConsecutiveFailures),
        (rate, &[GOOD, GOOD, FAILED, FAILED], TripKind::FailureRate),
        (rate.time_window(RECOVERY), &[GOOD, GOOD, FAILED, FAILED], TripKind::FailureRate),
    ] {
        let mut bench = recovering(config);
        let permits: Vec<_> = (0..200).filter_map(|_| bench.admit().ok()).collect();
        for (number, (call, permit)) in calls.iter().zip(permits).enumerate() {
            assert_eq!(bench.state(), State::Recovering, "before call {number}");
            assert_eq!(bench.settle(permit, *call), Settlement::Recorded);
        }
        assert_eq!((bench.state(), reason(&bench).kind), (State::Open, kind));
    }
}

#[test]
fn r27_a_good_call_ends_a_run_of_failures() {
    let mut bench = recovering(CONFIG.failure_threshold(2));
    let permits: Vec<_> = (0..30).filter_map(|_| bench.admit().ok()).collect();
    for (permit, call) in permits.into_iter().zip([FAILED, GOOD, FAILED]) {
        bench.settle(permit, call);
    }
    assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Recovering, 1));
    assert_eq!(tally(&bench), (3, 2, 0));
}

#[test]
fn r15_a_trip_while_recovering_is_a_re_opening() {
    let config = CONFIG.failure_threshold(1).cooldown_multiplier(2.0);
    let mut bench = recovering(config);
    let permit = (0..10).find_map(|_| bench.admit().ok()).unwrap();
    bench.settle(permit, FAILED);
    assert_eq!(left(&bench), COOLDOWN * 2);
    let mut bench = recovering(config);
    bench.trip();
    assert_eq!((left(&bench), bench.state()), (COOLDOWN * 2, State::Open));
}

#[test]
fn r15_the_end_of_a_recovery_ends_the_escalation() {
    let config = CONFIG.failure_threshold(1).cooldown_multiplier(2.0);
    let mut bench = recovering(config);
    bench.trip();
    let probe = next_probe(&mut bench);
    bench.settle(probe, GOOD);
    assert_eq!(bench.read().reopenings, 1);
    bench.wait(RECOVERY);
    bench.call(FAILED);
    assert_eq!((left(&bench), bench.read().reopenings), (COOLDOWN, 0));
}

#[test]
fn r16_a_reset_closes_at_once() {
    let mut bench = recovering(CONFIG);
    bench.reset();
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(let_in(&mut bench, 3).len(), 3);
}

#[test]
fn r10_a_call_that_ends_after_the_recovery_is_late() {
    let mut bench = recovering(CONFIG);
    let permit = (0..10).find_map(|_| bench.admit().ok()).unwrap();
    bench.wait(RECOVERY);
    bench.admit().unwrap();
    assert_eq!(bench.settle(permit, FAILED), Settlement::Late);
}

#[test]
fn r24_another_recovery_counts_from_when_it_began() {
    let mut bench = recovering(CONFIG);
    bench.wait(RECOVERY / 2);
    bench.reconfigure(CONFIG.recovery(RECOVERY * 2));
    assert!((share(&bench) - 0.325).abs() < 1e-9);
    bench.reconfigure(Config::new());
    assert_eq!(share(&bench).to_string(), "1");
    bench.admit().expect("closed, as there is no recovery any more");
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn r25_an_observed_circuit_recovers_too_and_lets_all_calls_run() {
    let mut bench = recovering(CONFIG.mode(Mode::Observe));
    let admitted: Vec<_> = (0..10).map(|_| bench.admit_observed().unwrap().would_reject).collect();
    let refused = admitted.iter().filter(|it| **it == Some(RejectedReason::Recovering));
    assert_eq!((refused.count(), admitted[9]), (9, None));
}

#[test]
fn r27_a_refusal_before_the_bulkhead_counts_as_asking_and_an_entry_does_not() {
    let mut bench = recovering(CONFIG);
    let checked: Vec<_> = (1..=10).filter(|_| bench.act(Machine::check).is_ok()).collect();
    assert_eq!(checked, [10], "nine were refused, and the tenth may enter");
    assert!(bench.act(Machine::check).is_ok(), "it has not been admitted yet");
    assert!(bench.admit().is_ok() && bench.admit().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r27_however_calls_come_as_many_run_as_their_shares_add_up_to(
        gaps in prop::collection::vec(0..3_000_u64, 1..300),
    ) {
        let mut bench = recovering(CONFIG);
        let (mut shares, mut runs, mut before) = (0.0, 0_u32, 0.0);
        for gap in gaps {
            bench.wait(Duration::from_millis(gap));
            if bench.now.since(bench.machine.since) >= RECOVERY {
                prop_assert!(bench.admit().is_ok() && bench.state() == State::Closed);
                return Ok(());
            }
            let share = share(&bench);
            prop_assert!((0.1..1.0).contains(&share) && share >= before, "{share} after {before}");
            (shares, before) = (shares + share, share);
            runs += u32::from(bench.admit().is_ok());
            // A share is a whole number of billionths.
            let is_near = |runs: f64| runs <= shares + 1e-6 && shares < runs + 1.0 + 1e-6;
            prop_assert!(is_near(runs.into()), "{runs} of {shares}");
        }
    }
}
