//! Which circuits of keys can be evicted.

use std::time::Duration;

use super::bench::{Bench, CANCELLED, FAILED, GOOD, IGNORED, slow};
use crate::rules::{Advice, Instant, State, Ticket};
use crate::settings::{Config, Mode};

const NANO: Duration = Duration::from_nanos(1);
const SECOND: Duration = Duration::from_secs(1);
/// Ten of the cooldowns that these circuits have.
const AGES: Duration = Duration::from_secs(10);
const NEARLY_AGES: Duration = AGES.saturating_sub(NANO);

fn bench() -> Bench {
    Bench::new(Config::new().cooldown(SECOND).slow_call(SECOND).count_window(5))
}

/// Whether it may be evicted if it was not asked for in that time.
fn may_go(bench: &Bench, untouched: Duration) -> bool {
    bench.machine.is_disposable(bench.good(), untouched, bench.now)
}

#[test]
fn a_closed_circuit_without_evidence_may_go_at_once() {
    let mut bench = bench();
    assert!(may_go(&bench, Duration::ZERO));
    for call in [GOOD, IGNORED, CANCELLED, GOOD] {
        bench.call(call);
    }
    assert!(may_go(&bench, Duration::ZERO));
}

#[test]
fn evidence_stays_until_nobody_asked_for_it_in_ten_cooldowns() {
    for evidence in [FAILED, slow(GOOD), slow(CANCELLED)] {
        let mut bench = bench();
        bench.call(evidence);
        bench.wait(NEARLY_AGES);
        assert!(!may_go(&bench, NEARLY_AGES), "{evidence:?}");
        bench.wait(NANO);
        assert!(may_go(&bench, AGES), "{evidence:?}");
    }
}

#[test]
fn evidence_is_as_old_as_the_end_of_its_call_however_long_that_took() {
    let mut bench = bench();
    bench.wait(AGES * 3);
    bench.call(FAILED);
    assert!(!may_go(&bench, AGES * 3));
}

#[test]
fn a_failure_is_evidence_as_long_as_the_window_holds_it() {
    let mut bench = bench();
    bench.call(FAILED);
    bench.calls(4, GOOD);
    assert!(!may_go(&bench, Duration::ZERO));
    bench.call(GOOD);
    assert!(may_go(&bench, Duration::ZERO));
}

#[test]
fn an_open_circuit_may_go_ten_cooldowns_after_its_own() {
    let mut bench = bench();
    bench.trip();
    for (wait, goes) in [(SECOND, false), (NEARLY_AGES, false), (NANO, true)] {
        bench.wait(wait);
        assert_eq!(may_go(&bench, Duration::MAX), goes);
    }
}

#[test]
fn f05_an_open_circuit_that_waits_for_another_member_may_go_ten_cooldowns_after_that() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND).probe_timeout(AGES * 3));
    bench.trip();
    bench.advise(Advice::Wait(AGES * 3), Duration::MAX);
    for (wait, goes) in [(AGES * 3, false), (NEARLY_AGES, false), (NANO, true)] {
        bench.wait(wait);
        assert_eq!(may_go(&bench, Duration::MAX), goes);
    }
}

/// Opened, and with its first probe in flight.
fn probing(bench: &mut Bench) -> Ticket {
    bench.trip();
    bench.wait(SECOND);
    let probe = bench.admit().unwrap();
    assert_eq!(bench.state(), State::HalfOpen);
    probe
}

#[test]
fn a_half_open_circuit_may_go_ten_cooldowns_after_its_last_probe_ended() {
    for ended in [GOOD, IGNORED, CANCELLED] {
        let mut bench = bench();
        let probe = probing(&mut bench);
        bench.settle(probe, ended);
        bench.wait(NEARLY_AGES);
        assert!(!may_go(&bench, NEARLY_AGES), "{ended:?}");
        bench.wait(NANO);
        assert!(may_go(&bench, AGES), "{ended:?}");
        assert!(!may_go(&bench, NEARLY_AGES), "{ended:?}, and somebody asked for it");
    }
}

#[test]
fn a_half_open_circuit_is_as_old_as_the_end_of_its_last_probe_however_long_that_took() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND).half_open_failure_threshold(2));
    for ended in [GOOD, FAILED] {
        let probe = match bench.state() {
            State::HalfOpen => bench.admit().unwrap(),
            _ => probing(&mut bench),
        };
        bench.wait(AGES * 2);
        bench.settle(probe, ended);
        assert!(!may_go(&bench, AGES * 2), "{ended:?}");
        bench.wait(AGES);
        assert!(may_go(&bench, AGES * 3), "{ended:?}");
    }
}

#[test]
fn a_half_open_circuit_with_a_probe_in_flight_stays_until_that_is_lost_and_ten_cooldowns_more() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND).probe_timeout(AGES * 3));
    probing(&mut bench);
    for (wait, goes) in [(AGES * 3, false), (NEARLY_AGES, false), (NANO, true)] {
        bench.wait(wait);
        assert_eq!(may_go(&bench, Duration::MAX), goes);
    }
    assert_eq!(bench.state(), State::HalfOpen, "it was only looked at");
}

#[test]
fn a_probe_that_may_take_forever_keeps_its_circuit() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND).probe_timeout(Duration::MAX));
    probing(&mut bench);
    bench.now = Instant::NEVER;
    assert!(!may_go(&bench, Duration::MAX));
}

#[test]
fn an_open_circuit_that_waits_for_a_person_never_goes() {
    let mut bench = Bench::new(Config::new().cooldown(Duration::MAX));
    bench.trip();
    bench.now = Instant::NEVER;
    assert!(!may_go(&bench, Duration::MAX));
}

#[test]
fn what_a_person_has_switched_never_goes() {
    let switches: [fn(&mut Bench); 4] = [
        Bench::force_open,
        Bench::disable,
        |bench| bench.order(Mode::ForcedOpen, Some(AGES * 10)),
        |bench| {
            bench.force_open();
            bench.order(Mode::Normal, Some(AGES * 10));
        },
    ];
    for switch in switches {
        let mut bench = bench();
        switch(&mut bench);
        bench.wait(AGES * 9);
        assert!(!may_go(&bench, Duration::MAX));
        bench.reset();
        assert!(may_go(&bench, Duration::ZERO));
    }
}

#[test]
fn r34_what_was_switched_for_a_time_may_go_when_that_is_over() {
    let mut bench = bench();
    bench.call(FAILED);
    bench.order(Mode::ForcedOpen, Some(SECOND));
    bench.wait(SECOND.saturating_sub(NANO));
    assert!(!may_go(&bench, Duration::MAX));
    bench.wait(NANO);
    assert!(may_go(&bench, Duration::ZERO), "closed with empty counts, though nobody called");

    bench.disable();
    bench.order(Mode::Normal, Some(SECOND));
    bench.wait(SECOND);
    assert!(!may_go(&bench, Duration::MAX), "disabled again");
}
