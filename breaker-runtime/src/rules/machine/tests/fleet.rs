//! Advice of a fleet: opening by vote, vetoes, leases, and what is left when the fleet falls silent.

use super::super::Machine;
use super::*;
use crate::rules::{Advice, Advised, Lease, Opening};

const TRUST: Duration = Duration::from_secs(15);
const VERDICT: Opening = Opening::new(COOLDOWN).votes(3).of_members(8).needed(3);

fn advise(bench: &mut Bench, advice: Advice) -> Advised {
    bench.advise(advice, TRUST)
}

/// A circuit that other members opened, at the end of its cooldown.
fn voted_open(config: Config) -> Bench {
    let mut bench = Bench::new(config);
    assert_eq!(advise(&mut bench, Advice::Open(VERDICT)), Advised::Followed);
    bench.wait(COOLDOWN);
    advise(&mut bench, Advice::Ask);
    bench.machine.take_news();
    bench
}

fn causes(bench: &mut Bench) -> Vec<String> {
    bench.machine.take_news().iter().map(ToString::to_string).collect()
}

#[test]
fn f04_a_vote_of_the_fleet_opens_for_what_is_left_of_it() {
    let mut bench = Bench::new(Config::new());
    let left = SECOND * 42;
    advise(&mut bench, Advice::Open(Opening::new(left).votes(3).of_members(8).needed(3)));
    assert_eq!((bench.state(), super::left(&bench)), (State::Open, left));
    let reason = reason(&bench);
    assert_eq!((reason.kind, reason.failed, reason.calls), (TripKind::Fleet, 3, 8));
    assert_eq!((reason.threshold, reason.share), (Some(3.0), None));
    assert_eq!(causes(&mut bench), ["closed -> open: 3 of 8 members voted to open it"]);
}

#[test]
fn f04_no_vote_opens_for_longer_than_the_circuits_own_cooldown_max() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND));
    advise(&mut bench, Advice::Open(Opening::new(Duration::MAX)));
    assert_eq!(left(&bench), SECOND * 10);
}

#[test]
fn f04_an_open_circuit_stays_open_for_the_longest_vote() {
    let mut bench = Bench::new(Config::new());
    bench.trip();
    bench.wait(SECOND * 30);
    advise(&mut bench, Advice::Open(Opening::new(SECOND * 10)));
    assert_eq!(left(&bench), SECOND * 30, "a vote shortens nothing");
    advise(&mut bench, Advice::Open(Opening::new(SECOND * 50)));
    assert_eq!(left(&bench), SECOND * 50);
    assert_eq!(reason(&bench).kind, TripKind::Manual, "its own reason stays");
}

#[test]
fn f04_a_member_whose_own_calls_are_good_stays_closed() {
    let by_rate = Config::new().failure_rate(0.5).minimum_calls(10);
    let by_run = Config::new();
    let slow_too = by_rate.slow_call(SECOND).slow_call_rate(0.5);
    let by_run_or_slow = Config::new().slow_call(SECOND).slow_call_rate(0.5);
    let by_high_rate = by_rate.failure_rate(0.9);
    for (config, bad, call, stays) in [
        (by_rate, 2, FAILED, true),
        (by_rate, 3, FAILED, false),
        (by_run, 2, FAILED, true),
        (by_run, 3, FAILED, false),
        (slow_too, 3, slow(GOOD), false),
        (slow_too, 2, slow(GOOD), true),
        (by_run_or_slow, 4, FAILED, true),
        (by_high_rate, 4, FAILED, true),
    ] {
        let mut bench = Bench::new(config);
        // 12 calls: a quarter is 3.
        bench.calls(bad, call);
        bench.calls(12 - bad, GOOD);
        let expected = if stays { Advised::Vetoed } else { Advised::Followed };
        assert_eq!(advise(&mut bench, Advice::Open(VERDICT)), expected, "{bad} bad, {config}");
        assert_eq!(bench.state() == State::Closed, stays);
        assert_eq!(bench.read().vetoed.map(|verdict| verdict.failed), stays.then_some(3));
        assert_eq!(bench.read().lease, (!stays).then_some(Lease::Unasked));
    }
}

#[test]
fn f04_too_few_calls_of_its_own_are_no_reason_for_a_veto() {
    for (calls, expected) in [(9, Advised::Followed), (10, Advised::Vetoed)] {
        let mut bench = Bench::new(Config::new().minimum_calls(10));
        bench.calls(calls, GOOD);
        assert_eq!(advise(&mut bench, Advice::Open(VERDICT)), expected, "{calls} calls");
    }
}

#[test]
fn f04_a_vote_moves_no_circuit_that_probes() {
    let (mut bench, probe) = half_open(Config::new());
    assert_eq!(advise(&mut bench, Advice::Open(VERDICT.reopenings(3))), Advised::Ignored);
    assert_eq!(
        (bench.state(), bench.read().reopenings, bench.read().lease),
        (State::HalfOpen, 0, None)
    );
    assert_eq!(bench.settle(probe, GOOD), Settlement::Recorded);
}

#[test]
fn f05_a_circuit_that_others_opened_asks_before_it_probes() {
    let mut bench = Bench::new(Config::new());
    bench.advise(Advice::Open(VERDICT), COOLDOWN * 2);
    assert_eq!(bench.read().lease, Some(Lease::Unasked));
    bench.wait(COOLDOWN);
    assert!(bench.admit().is_err() && bench.machine.take_wish_to_probe());
}

#[test]
fn f04_a_veto_is_shown_until_the_fleet_is_silent_or_says_otherwise() {
    let mut bench = Bench::new(Config::new());
    bench.calls(20, GOOD);
    advise(&mut bench, Advice::Open(VERDICT));
    bench.wait(TRUST);
    assert_eq!(bench.read().vetoed, None);
    for advice in [Advice::Alone, Advice::Close] {
        advise(&mut bench, Advice::Open(VERDICT));
        assert!(bench.read().vetoed.is_some());
        advise(&mut bench, advice);
        assert_eq!(bench.read().vetoed, None, "{advice:?}");
    }
    advise(&mut bench, Advice::Open(VERDICT));
    bench.trip();
    assert_eq!(bench.read().vetoed, None, "it is open now");
}

#[test]
fn f05_after_the_cooldown_the_fleet_is_asked_once_before_a_probe() {
    let mut bench = voted_open(Config::new());
    assert_eq!((bench.read().probe_due, bench.read().lease), (false, Some(Lease::Unasked)));
    assert!(!bench.machine.take_wish_to_probe(), "no call came");
    for wishes in [true, false] {
        let refusal = bench.admit().unwrap_err();
        assert_eq!(refusal, Refusal::open(Left::from_nanos(0)));
        assert_eq!(bench.machine.take_wish_to_probe(), wishes);
    }
    advise(&mut bench, Advice::Ask);
    assert!(bench.admit().is_err() && bench.machine.take_wish_to_probe(), "asked again");
}

#[test]
fn f05_the_member_with_the_lease_probes_and_closes() {
    let mut bench = voted_open(Config::new().success_threshold(1));
    bench.advise(Advice::Probe(SECOND * 10), COOLDOWN * 9);
    assert_eq!(bench.read().lease, Some(Lease::Own(SECOND * 10)));
    assert!(bench.read().probe_due);
    bench.call(GOOD);
    assert_eq!((bench.state(), bench.read().lease), (State::Closed, None));
    bench.trip();
    bench.wait(COOLDOWN);
    bench.admit().expect("what was said before it closed is forgotten");
}

#[test]
fn f05_the_others_wait_for_as_long_as_the_lease_lasts_and_then_ask() {
    let mut bench = voted_open(Config::new());
    advise(&mut bench, Advice::Wait(SECOND * 10));
    assert_eq!(left(&bench), SECOND * 10);
    bench.wait(SECOND * 10 - NANO);
    assert_eq!(bench.admit(), Err(Refusal::open(Left::from_nanos(1))));
    assert!(!bench.machine.take_wish_to_probe());
    assert_eq!(bench.machine.holds_until(), bench.now.after(NANO), "refused without the lock");
    bench.wait(NANO);
    assert!(bench.admit().is_err() && bench.machine.take_wish_to_probe());
}

#[test]
fn f05_later_advice_about_leases_replaces_what_came_before() {
    let mut bench = voted_open(Config::new());
    for (advice, lease, is_due) in [
        (Advice::Probe(SECOND), Lease::Own(SECOND), true),
        (Advice::Wait(SECOND), Lease::Other(SECOND), false),
        (Advice::Probe(SECOND), Lease::Own(SECOND), true),
        (Advice::Ask, Lease::Unasked, false),
    ] {
        advise(&mut bench, advice);
        assert_eq!((bench.read().lease, bench.read().probe_due), (Some(lease), is_due));
    }
}

#[test]
fn f05_a_failed_probe_needs_another_lease_after_the_next_cooldown() {
    let mut bench = voted_open(Config::new().probe_timeout(COOLDOWN * 2));
    bench.advise(Advice::Probe(COOLDOWN * 2), COOLDOWN * 3);
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
    bench.wait(COOLDOWN);
    assert!(bench.admit().is_err() && bench.machine.take_wish_to_probe());
}

#[test]
fn f05_a_lease_that_ends_without_a_verdict_ends_the_probing() {
    let mut bench = voted_open(Config::new());
    advise(&mut bench, Advice::Probe(SECOND * 10));
    let probe = bench.admit().unwrap();
    bench.wait(SECOND * 10);
    let reading = bench.read();
    assert_eq!((reading.state, reading.since), (State::Open, Duration::ZERO), "seen at once");
    assert!(bench.admit().is_err() && bench.machine.take_wish_to_probe());
    assert_eq!(bench.settle(probe, GOOD), Settlement::Late);
    assert_eq!(
        causes(&mut bench),
        ["open -> half_open: the cooldown is over", "half_open -> open: its lease to probe ended"]
    );
}

#[test]
fn f05_a_probe_that_is_lost_as_its_lease_ends_is_a_verdict() {
    let mut bench = voted_open(Config::new().probe_timeout(SECOND * 10));
    advise(&mut bench, Advice::Probe(SECOND * 10));
    bench.admit().unwrap();
    bench.wait(SECOND * 10);
    assert_eq!((reason(&bench).kind, bench.read().reopenings), (TripKind::FailedProbes, 1));
}

#[test]
fn f05_r34_of_an_order_and_a_lease_that_end_at_once_the_order_comes_first() {
    let mut bench = Bench::new(Config::new());
    bench.force_open();
    bench.order(Mode::Normal, Some(COOLDOWN + SECOND));
    bench.trip();
    bench.wait(COOLDOWN);
    advise(&mut bench, Advice::Probe(SECOND));
    bench.admit().unwrap();
    causes(&mut bench);
    bench.wait(SECOND);
    bench.act(Machine::observe);
    assert_eq!(causes(&mut bench), ["half_open -> forced_open: the override ended"]);
}

#[test]
fn f05_a_call_that_is_refused_before_the_bulkhead_asks_too() {
    let mut bench = voted_open(Config::new().max_concurrent(1));
    assert!(bench.act(Machine::check).is_err() && bench.machine.take_wish_to_probe());
}

#[test]
fn f05_a_lease_that_is_renewed_or_taken_away_while_it_probes() {
    let mut bench = voted_open(Config::new());
    advise(&mut bench, Advice::Probe(SECOND * 10));
    let first = bench.admit().unwrap();
    bench.wait(SECOND * 9);
    advise(&mut bench, Advice::Probe(SECOND * 10));
    bench.wait(SECOND * 9);
    assert_eq!(bench.settle(first, GOOD), Settlement::Recorded);
    advise(&mut bench, Advice::Wait(SECOND));
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn f05_the_event_of_a_lost_lease_says_for_how_long_another_member_has_it() {
    let mut bench = voted_open(Config::new());
    advise(&mut bench, Advice::Probe(SECOND * 10));
    bench.admit().unwrap();
    advise(&mut bench, Advice::Wait(SECOND * 4));
    let told = bench.machine.take_news().pop().unwrap();
    assert_eq!((told.to, told.retry_after), (State::Open, Some(SECOND * 4)));
    assert_eq!(left(&bench), SECOND * 4);
}

#[test]
fn f05_a_circuit_that_probes_alone_and_gets_the_lease_probes_by_it_from_then_on() {
    let (mut bench, _) = half_open(Config::new());
    advise(&mut bench, Advice::Probe(SECOND * 10));
    assert_eq!(bench.state(), State::HalfOpen);
    bench.wait(SECOND * 10);
    assert!(bench.admit().is_err(), "the lease is over");
    let (mut bench, _) = half_open(Config::new());
    advise(&mut bench, Advice::Probe(SECOND * 10));
    advise(&mut bench, Advice::Ask);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn f05_a_circuit_that_probes_alone_goes_on_even_if_another_has_the_lease() {
    for advice in [Advice::Ask, Advice::Wait(SECOND), Advice::Probe(Duration::ZERO)] {
        let (mut bench, probe) = half_open(Config::new());
        assert_eq!(advise(&mut bench, advice), Advised::Followed);
        assert_eq!(bench.state(), State::HalfOpen, "{advice:?}");
        assert_eq!(bench.settle(probe, GOOD), Settlement::Recorded);
    }
}

#[test]
fn f05_a_lease_of_no_time_is_none() {
    let mut bench = voted_open(Config::new());
    advise(&mut bench, Advice::Probe(SECOND * 10));
    bench.admit().unwrap();
    advise(&mut bench, Advice::Probe(Duration::ZERO));
    assert_eq!((bench.state(), bench.read().lease), (State::Open, Some(Lease::Unasked)));
}

#[test]
fn f05_a_lease_without_end_is_one() {
    let endless = Config::new().probe_timeout(Duration::MAX);
    for (advice, lease) in [
        (Advice::Probe(Duration::MAX), Lease::Own(Duration::MAX)),
        (Advice::Wait(Duration::MAX), Lease::Other(Duration::MAX)),
    ] {
        let mut bench = voted_open(endless);
        advise(&mut bench, advice);
        assert_eq!(bench.read().lease, Some(lease));
    }
}

#[test]
fn f05_a_verdict_of_another_member_closes_from_open_and_half_open() {
    for config in [Config::new(), Config::new().mode(Mode::Observe)] {
        let mut bench = voted_open(config);
        assert_eq!(advise(&mut bench, Advice::Close), Advised::Followed);
        assert_eq!((bench.state(), bench.read().trip_reason), (State::Closed, None));
        assert_eq!(advise(&mut bench, Advice::Close), Advised::Ignored);
        let (mut bench, _) = half_open(config);
        assert_eq!(advise(&mut bench, Advice::Close), Advised::Followed);
        assert_eq!(bench.state(), State::Closed);
    }
}

#[test]
fn f05_the_escalation_of_another_member_is_taken_over() {
    let config = Config::new().cooldown_multiplier(2.0).cooldown_max(COOLDOWN * 100);
    let mut bench = Bench::new(config);
    advise(&mut bench, Advice::Open(VERDICT.reopenings(3)));
    bench.advise(Advice::Alone, TRUST);
    bench.wait(COOLDOWN);
    bench.call(FAILED);
    assert_eq!(left(&bench), COOLDOWN * 16);
}

#[test]
fn f05_the_escalation_of_an_open_circuit_is_the_greatest_that_it_heard_of() {
    let mut bench = Bench::new(Config::new());
    for (told, shown) in [(3, 3), (1, 3), (5, 5)] {
        advise(&mut bench, Advice::Open(VERDICT.reopenings(told)));
        assert_eq!(bench.read().reopenings, shown);
    }
}

#[test]
fn f06_a_fleet_that_falls_silent_holds_nothing_for_longer_than_its_advice_counts() {
    for advice in [Advice::Ask, Advice::Wait(COOLDOWN)] {
        let mut bench = voted_open(Config::new());
        advise(&mut bench, advice);
        bench.wait(TRUST - NANO);
        assert!(bench.admit().is_err(), "{advice:?}");
        bench.wait(NANO);
        assert_eq!(bench.read().lease, None);
        bench.admit().expect("as if alone");
        assert_eq!(bench.state(), State::HalfOpen);
    }
}

#[test]
fn f06_no_lease_of_another_lasts_longer_than_the_circuits_own_settings_could() {
    let config = Config::new().cooldown(SECOND).probe_timeout(SECOND * 4);
    let mut bench = Bench::new(config);
    bench.trip();
    bench.advise(Advice::Wait(Duration::MAX), Duration::MAX);
    assert_eq!(left(&bench), SECOND * 10);
}

#[test]
fn f06_no_lease_of_its_own_lasts_longer_than_a_probe_may() {
    let mut bench = voted_open(Config::new().probe_timeout(SECOND * 4));
    advise(&mut bench, Advice::Probe(Duration::MAX));
    assert_eq!(bench.read().lease, Some(Lease::Own(SECOND * 4)));
}

#[test]
fn f06_advice_that_counts_no_more_ends_no_probing() {
    let mut bench = voted_open(Config::new());
    bench.advise(Advice::Probe(SECOND * 10), SECOND);
    let probe = bench.admit().unwrap();
    bench.wait(SECOND);
    assert_eq!(bench.read().lease, None, "alone");
    advise(&mut bench, Advice::Ask);
    assert_eq!(bench.state(), State::HalfOpen);
    assert_eq!(bench.settle(probe, GOOD), Settlement::Recorded);
}

#[test]
fn f02_the_fleet_lengthens_no_evidence_of_the_circuits_own() {
    let mut bench = Bench::new(Config::new().failure_threshold(1));
    bench.call(FAILED);
    bench.wait(SECOND * 10);
    advise(&mut bench, Advice::Open(Opening::new(COOLDOWN * 2)));
    let evidence = |bench: &Bench| bench.machine.evidence_left(bench.now);
    assert_eq!((left(&bench), evidence(&bench)), (COOLDOWN * 2, Some(COOLDOWN - SECOND * 10)));
    bench.wait(COOLDOWN);
    assert_eq!(evidence(&bench), Some(Duration::ZERO));
    assert!(bench.admit().is_err(), "the fleet holds it");
    advise(&mut bench, Advice::Alone);
    bench.admit().expect("its own cooldown is over");
}

#[test]
fn f02_only_an_open_circuit_has_evidence_and_what_others_caused_is_none() {
    let evidence = |bench: &Bench| bench.machine.evidence_left(bench.now);
    assert_eq!(evidence(&Bench::new(Config::new())), None);
    assert_eq!(evidence(&voted_open(Config::new())), None);
    let (mut bench, probe) = half_open(Config::new());
    assert_eq!(evidence(&bench), None);
    bench.settle(probe, FAILED);
    assert_eq!(evidence(&bench), Some(COOLDOWN));
    let mut bench = Bench::new(Config::new());
    bench.trip();
    assert_eq!(evidence(&bench), None, "by hand");
}

#[test]
fn f06_a_circuit_that_is_kept_from_probing_for_too_long_goes_on_alone() {
    for advice in [Advice::Ask, Advice::Wait(Duration::MAX), Advice::Wait(SECOND)] {
        let mut bench = voted_open(Config::new());
        assert!(bench.admit().is_err());
        let longest = COOLDOWN * 10;
        for _ in 0..longest.as_secs() / 5 {
            advise(&mut bench, advice);
            bench.wait(SECOND * 5 - NANO);
            // Calls come while another member probes, and never when the lease is free.
            let is_refused = advice != Advice::Ask || bench.admit().is_err();
            assert!(is_refused, "{advice:?}");
            bench.wait(NANO);
        }
        advise(&mut bench, advice);
        assert_eq!(bench.read().lease, None, "{advice:?}");
        bench.admit().expect("as if alone");
    }
}

#[test]
fn f06_another_verdict_of_the_fleet_begins_the_wait_again() {
    let mut bench = voted_open(Config::new());
    assert!(bench.admit().is_err());
    bench.wait(COOLDOWN * 9);
    advise(&mut bench, Advice::Open(VERDICT));
    bench.wait(COOLDOWN * 2);
    advise(&mut bench, Advice::Ask);
    assert!(bench.admit().is_err());
}

#[test]
fn f06_a_verdict_that_is_over_opens_nothing() {
    let mut bench = Bench::new(Config::new());
    bench.calls(20, GOOD);
    advise(&mut bench, Advice::Open(VERDICT));
    assert!(bench.read().vetoed.is_some());
    assert_eq!(advise(&mut bench, Advice::Open(Opening::new(Duration::ZERO))), Advised::Ignored);
    assert_eq!((bench.state(), bench.read().vetoed), (State::Closed, None));
}

#[test]
fn f08_a_probing_circuit_goes_on_alone_if_the_fleet_falls_silent() {
    for is_told in [true, false] {
        let mut bench = voted_open(Config::new().success_threshold(1));
        advise(&mut bench, Advice::Probe(TRUST * 2));
        let probe = bench.admit().unwrap();
        if is_told {
            advise(&mut bench, Advice::Alone);
        }
        bench.wait(TRUST * 2);
        assert_eq!(bench.settle(probe, GOOD), Settlement::Recorded);
        assert_eq!(bench.state(), State::Closed);
    }
}

#[test]
fn f08_alone_a_circuit_probes_after_its_cooldown() {
    let mut bench = voted_open(Config::new());
    advise(&mut bench, Advice::Alone);
    bench.admit().expect("a probe");
}

#[test]
fn advice_moves_no_circuit_that_was_switched_by_hand() {
    for mode in [Mode::ForcedOpen, Mode::Disabled] {
        for advice in [Advice::Open(VERDICT), Advice::Close, Advice::Ask, Advice::Probe(SECOND)] {
            let mut bench = voted_open(Config::new());
            bench.order(mode, None);
            assert_eq!(bench.read().lease, None);
            let before = bench.read().epoch;
            assert_eq!(advise(&mut bench, advice), Advised::Ignored);
            assert_eq!((bench.read().epoch, bench.read().lease), (before, None));
        }
    }
}

#[test]
fn advice_about_leases_does_not_concern_a_closed_circuit() {
    for advice in [Advice::Ask, Advice::Wait(SECOND), Advice::Probe(SECOND)] {
        let mut bench = Bench::new(Config::new());
        assert_eq!(advise(&mut bench, advice), Advised::Ignored);
        assert_eq!((bench.state(), bench.read().lease), (State::Closed, None));
    }
}

#[test]
fn a_reset_forgets_all_advice() {
    let mut bench = voted_open(Config::new());
    bench.advise(Advice::Ask, COOLDOWN * 9);
    bench.reset();
    bench.trip();
    bench.wait(COOLDOWN);
    bench.admit().expect("as if alone");
}

#[test]
fn r25_an_observed_circuit_asks_too_and_lets_its_calls_run() {
    let mut bench = voted_open(Config::new().mode(Mode::Observe));
    let admitted = bench.admit_observed().unwrap();
    assert_eq!(admitted.would_reject, Some(RejectedReason::Open));
    assert!(bench.machine.take_wish_to_probe());
    advise(&mut bench, Advice::Probe(SECOND * 10));
    assert!(bench.admit().unwrap().probe.is_some());
}

/// A member whose probe has just succeeded, and that recovers.
fn recovering() -> Bench {
    let (mut bench, probe) = half_open(Config::new().success_threshold(1).recovery(COOLDOWN));
    bench.settle(probe, GOOD);
    bench.machine.take_news();
    bench
}

#[test]
fn f04_a_vote_opens_a_member_that_recovers_which_is_a_re_opening() {
    for (told, expected) in [(0, 1), (3, 3)] {
        let mut bench = recovering();
        let advised = advise(&mut bench, Advice::Open(VERDICT.reopenings(told)));
        assert_eq!((advised, bench.state()), (Advised::Followed, State::Open));
        assert_eq!(bench.read().reopenings, expected);
    }
    let mut bench = recovering();
    assert_eq!(advise(&mut bench, Advice::Open(Opening::new(Duration::ZERO))), Advised::Ignored);
    assert_eq!(bench.state(), State::Recovering);
}

#[test]
fn f04_a_member_that_recovers_stays_so_if_its_own_calls_are_good() {
    let mut bench = recovering();
    let permits: Vec<_> = (0..100).filter_map(|_| bench.admit().ok()).collect();
    for permit in permits {
        bench.settle(permit, GOOD);
    }
    assert_eq!(advise(&mut bench, Advice::Open(VERDICT)), Advised::Vetoed);
    assert_eq!((bench.state(), bench.read().lease), (State::Recovering, None));
}

#[test]
fn f06_a_member_recovers_too_when_the_probes_of_another_succeed() {
    let mut bench = voted_open(Config::new().recovery(COOLDOWN));
    assert_eq!(advise(&mut bench, Advice::Close), Advised::Followed);
    assert_eq!(causes(&mut bench), ["open -> recovering: the probes of another member succeeded"]);
    for advice in [Advice::Close, Advice::Ask, Advice::Wait(SECOND), Advice::Probe(SECOND)] {
        assert_eq!(advise(&mut bench, advice), Advised::Ignored);
        assert_eq!(bench.state(), State::Recovering);
    }
}

#[test]
fn f05_a_call_that_becomes_a_probe_wants_no_leave() {
    let mut bench = voted_open(Config::new());
    advise(&mut bench, Advice::Probe(SECOND));
    bench.admit().expect("it has leave");
    assert!(!bench.machine.take_wish_to_probe());
}
