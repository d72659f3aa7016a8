//! Outages: from the opening of a closed circuit until it is closed again.

use super::super::Machine;
use super::*;
use crate::rules::{Advice, Advised, Good, Opening, Outage};

const ONE: Config = Config::new().failure_threshold(2).success_threshold(1);

fn outage(bench: &Bench) -> Outage {
    bench.read().outage.expect("an outage")
}

fn lasts(bench: &Bench) -> Duration {
    outage(bench).since
}

/// Open by two failures, and for that long.
fn out(config: Config, lasts: Duration) -> Bench {
    let mut bench = Bench::new(config);
    bench.calls(2, FAILED);
    bench.wait(lasts);
    bench
}

#[test]
fn a_closed_circuit_is_in_no_outage() {
    let mut bench = Bench::new(ONE);
    assert_eq!(bench.read().outage, None);
    bench.call(FAILED);
    assert_eq!(bench.read().outage, None);
}

#[test]
fn an_outage_lasts_through_re_openings_and_keeps_its_first_reason() {
    let mut bench = out(ONE, SECOND);
    for reopenings in 0..3 {
        let Outage { first, reopenings: counted, .. } = outage(&bench);
        assert_eq!((first.kind, first.failed), (TripKind::ConsecutiveFailures, 2));
        assert_eq!((counted, bench.read().reopenings), (reopenings, reopenings));
        bench.wait(COOLDOWN);
        let probe = bench.admit().unwrap();
        assert_eq!(outage(&bench).first, first, "half-open");
        bench.settle(probe, FAILED);
    }
    assert_eq!(reason(&bench).kind, TripKind::FailedProbes);
    assert_eq!(lasts(&bench), COOLDOWN * 3 + SECOND);
}

#[test]
fn an_outage_ends_when_good_probes_close_the_circuit() {
    let mut bench = out(ONE, COOLDOWN);
    bench.call(GOOD);
    assert_eq!((bench.state(), bench.read().outage), (State::Closed, None));
    bench.calls(2, FAILED);
    bench.wait(SECOND);
    assert_eq!((lasts(&bench), outage(&bench).reopenings), (SECOND, 0), "the next is another");
}

#[test]
fn r27_an_outage_ends_with_the_recovery_and_not_before() {
    let mut bench = out(ONE.recovery(SECOND * 30), COOLDOWN);
    bench.call(GOOD);
    assert_eq!((bench.state(), lasts(&bench)), (State::Recovering, COOLDOWN));
    bench.trip();
    bench.wait(COOLDOWN);
    assert_eq!((lasts(&bench), outage(&bench).reopenings), (COOLDOWN * 2, 1));
    bench.call(GOOD);
    bench.wait(SECOND * 30);
    bench.call(GOOD);
    assert_eq!((bench.state(), bench.read().outage), (State::Closed, None));
}

#[test]
fn r16_a_reset_ends_an_outage() {
    let mut bench = out(ONE, SECOND);
    bench.reset();
    assert_eq!(bench.read().outage, None);
}

#[test]
fn r16_an_order_is_no_outage() {
    for order in [Bench::force_open, Bench::disable] as [Act; 2] {
        let mut bench = Bench::new(ONE);
        order(&mut bench);
        bench.wait(SECOND);
        assert_eq!(bench.read().outage, None);
    }
}

#[test]
fn r16_a_manual_trip_begins_an_outage_as_evidence_does() {
    let mut bench = Bench::new(ONE);
    bench.trip();
    bench.wait(SECOND);
    assert_eq!((lasts(&bench), outage(&bench).first.kind), (SECOND, TripKind::Manual));
}

#[test]
fn r16_an_order_during_an_outage_does_not_end_it() {
    for order in [Bench::force_open, Bench::disable] as [Act; 2] {
        let mut bench = out(ONE, SECOND);
        order(&mut bench);
        bench.wait(SECOND);
        assert_eq!((lasts(&bench), outage(&bench).first.failed), (SECOND * 2, 2));
        bench.reset();
        assert_eq!(bench.read().outage, None);
    }
}

#[test]
fn r34_an_outage_ends_with_a_timed_order_that_closes_the_circuit_also_unnoticed() {
    for mode in [Mode::ForcedOpen, Mode::Disabled] {
        let mut bench = out(ONE, SECOND);
        bench.order(mode, Some(SECOND * 10));
        bench.wait(SECOND * 9);
        assert_eq!(lasts(&bench), SECOND * 10);
        bench.wait(SECOND);
        assert_eq!((bench.read().state, bench.read().outage), (State::Closed, None));
    }
}

#[test]
fn r25_an_observed_circuit_has_outages_too() {
    let mut bench = out(ONE.mode(Mode::Observe), SECOND);
    assert_eq!(lasts(&bench), SECOND);
    bench.wait(COOLDOWN);
    bench.call(GOOD);
    assert_eq!(bench.read().outage, None);
}

#[test]
fn r28_a_failure_that_asks_begins_an_outage_and_counts_as_a_re_opening_within_one() {
    let mut bench = Bench::new(ONE);
    for reopenings in 0..2 {
        let ticket = bench.admit().unwrap();
        bench.settle_asking(ticket, FAILED, SECOND);
        assert_eq!(outage(&bench).first.threshold, Some(1.0));
        assert_eq!(outage(&bench).reopenings, reopenings);
        bench.wait(SECOND);
    }
}

#[test]
fn f04_the_verdict_of_a_fleet_begins_an_outage_with_the_re_openings_that_the_fleet_has_seen() {
    let mut bench = Bench::new(ONE);
    let verdict = Opening::new(SECOND * 42).votes(3).of_members(8).needed(3).reopenings(4);
    assert_eq!(bench.advise(Advice::Open(verdict), SECOND * 99), Advised::Followed);
    bench.wait(SECOND);
    let Outage { since, first, reopenings } = outage(&bench);
    assert_eq!((since, first.kind, first.failed, reopenings), (SECOND, TripKind::Fleet, 3, 4));
    assert_eq!(bench.advise(Advice::Close, SECOND * 99), Advised::Followed);
    assert_eq!(bench.read().outage, None);
}

#[test]
fn f05_a_lease_that_ends_without_a_verdict_is_no_re_opening() {
    let mut bench = out(ONE, COOLDOWN);
    bench.advise(Advice::Probe(SECOND), SECOND * 99);
    let _probe = bench.admit().unwrap();
    bench.wait(SECOND);
    assert_eq!((bench.read().state, bench.read().since), (State::Open, Duration::ZERO));
    assert_eq!((lasts(&bench), outage(&bench).reopenings), (COOLDOWN + SECOND, 0));
}

#[test]
fn r31_a_restored_outage_goes_on_with_its_first_reason() {
    let mut before = out(ONE, COOLDOWN);
    before.call(FAILED);
    before.wait(SECOND);
    let downtime = before.act(|machine, now| machine.downtime(now)).unwrap();
    let mut after = Bench::new(ONE);
    assert!(after.act(|machine, now| machine.restore(downtime, Good::default(), now)));
    after.wait(SECOND);
    let Outage { since, first, reopenings } = outage(&after);
    assert_eq!((since, first.failed, reopenings), (COOLDOWN + SECOND * 2, 2, 1));
    assert_eq!(reason(&after).kind, TripKind::FailedProbes);
    after.act(Machine::reset);
    assert_eq!(after.read().outage, None);
}
