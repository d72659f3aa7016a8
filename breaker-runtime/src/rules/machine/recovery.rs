//! Recovering: just closed, and a growing share of the calls is let in (R27).
//!
//! A credit grows by the share for each call that asks, and a call is let in for one credit. So the calls that run are
//! spread evenly, without dice.

use std::time::Duration;

use super::{Evidence, Settlement, TripReason};
use crate::rules::{Bad, Ending, Good, Instant};
use crate::settings::Settings;

/// One credit. A whole number of tenths, so that ten calls at the beginning come to exactly one.
const CREDIT: u32 = 1_000_000_000;
/// What a call adds at the beginning.
const FIRST: u32 = CREDIT / 10;

#[derive(Debug)]
pub(super) struct Recovery {
    began: Instant,
    lasts: Duration,
    credit: u32,
    evidence: Evidence,
    /// The good calls so far. Unlike those of a closed circuit, they come to the machine.
    good: Good,
}

impl Recovery {
    pub(super) fn new(
        settings: &Settings,
        lasts: Duration,
        created: Instant,
        now: Instant,
    ) -> Self {
        let (evidence, good) = (Evidence::none(settings, created), Good::default());
        Self { began: now, lasts, credit: 0, evidence, good }
    }

    pub(super) fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    pub(super) fn good(&self) -> Good {
        self.good
    }

    /// The share of calls that is let in: from a tenth at the beginning to all at the end.
    pub(super) fn share(&self, now: Instant) -> f64 {
        f64::from(self.credit_per_call(now)) / f64::from(CREDIT)
    }

    fn credit_per_call(&self, now: Instant) -> u32 {
        if self.is_over(now) {
            return CREDIT;
        }
        let (elapsed, lasts) = (now.since(self.began).as_nanos(), self.lasts.as_nanos());
        let grown = u128::from(CREDIT - FIRST) * elapsed / lasts;
        u32::try_from(u128::from(FIRST) + grown).unwrap_or(CREDIT)
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        now.since(self.began) >= self.lasts
    }

    fn credit_with(&self, now: Instant) -> u32 {
        self.credit + self.credit_per_call(now)
    }

    /// Whether the next call that asks is let in.
    pub(super) fn lets_in(&self, now: Instant) -> bool {
        self.credit_with(now) >= CREDIT
    }

    /// A call asked.
    pub(super) fn ask(&mut self, now: Instant) {
        let credit = self.credit_with(now);
        self.credit = if credit >= CREDIT { credit - CREDIT } else { credit };
    }

    /// Counts a call that was not bad.
    pub(super) fn count(
        &mut self,
        settings: &Settings,
        ending: Ending,
        now: Instant,
    ) -> Settlement {
        self.evidence.turn(self.good.all, now);
        if ending != Ending::Success {
            return Settlement::Neutral;
        }
        if self.evidence.counts_all() {
            self.good.all += 1;
        } else {
            self.good.run = self.good.run.saturating_add(1).min(settings.longest_run());
        }
        Settlement::Recorded
    }

    /// Takes bad calls, and returns the reason to open if they are one.
    pub(super) fn take(
        &mut self,
        settings: &Settings,
        bad: Bad,
        now: Instant,
    ) -> Option<TripReason> {
        self.evidence.turn(self.good.all, now);
        let verdict = self.evidence.judge(settings, self.good, bad, now);
        self.evidence.record(self.good, bad, now);
        self.good.run = 0;
        verdict
    }

    /// Goes by other settings from now on (R24). A recovery that is switched off ends at the next call.
    pub(super) fn refit(&mut self, settings: &Settings, created: Instant, now: Instant) {
        self.lasts = settings.recovery.unwrap_or(Duration::ZERO);
        self.evidence.refit(settings.window, self.good, created, now);
        if self.evidence.counts_all() {
            self.good.run = 0;
        } else {
            self.good = Good { run: self.good.run.min(settings.longest_run()), all: 0 };
        }
    }
}
