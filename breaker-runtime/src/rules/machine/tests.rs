//! Tests of the rules, one by one. Each moves time manually and has one reason to fail.
#![allow(clippy::unchecked_time_subtraction, reason = "a time below zero would fail the test")]

mod asked;
mod change;
mod closed;
mod cooldown;
mod fleet;
mod half_open;
mod hung;
mod orders;
mod outage;
mod recovery;

use std::time::Duration;

use super::bench::{Bench, CANCELLED, FAILED, GOOD, IGNORED, slow};
use super::{Settlement, Ticket};
use crate::rules::{
    Ended, Instant, Left, ModeOverride, Refusal, RejectedReason, State, Tally, TripKind, TripReason,
};
use crate::settings::{Config, Mode};

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
