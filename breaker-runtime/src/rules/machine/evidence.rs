//! The evidence of a closed circuit: its window and its run of failures, and when they trip it.

use std::time::Duration;

use super::count;
use crate::rules::{Bad, Ending, Good, Instant, Tally, TripKind, TripReason, Window};
use crate::settings::{Settings, WindowSize};

/// The recent outcomes of a closed circuit.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Consecutive failures. Only valid while no good call has followed.
    failures: u32,
    /// How many of these hang, or hung.
    hung: u32,
    window: Window,
    /// When the last bad call ended.
    last: Option<Instant>,
}

impl Evidence {
    pub(super) fn none(settings: &Settings, created: Instant) -> Self {
        Self { failures: 0, hung: 0, window: Window::new(settings.window, created), last: None }
    }

    /// Changes the window's size and keeps the run of failures (R24). `good` is the count before the change.
    pub(super) fn refit(&mut self, size: WindowSize, good: Good, created: Instant, now: Instant) {
        let run = (self.failures_after(good), self.hung_after(good));
        let counted_all = self.counts_all();
        self.window.refit(size, good, created, now);
        if self.counts_all() != counted_all {
            (self.failures, self.hung) = run;
        }
    }

    /// Whether it needs the sum of all good calls.
    pub(super) fn counts_all(&self) -> bool {
        self.window.counts_all()
    }

    /// Until then, good calls only need to be counted.
    pub(super) fn holds_until(&self) -> Instant {
        self.window.edge()
    }

    pub(super) fn turn(&mut self, all_good: u64, now: Instant) {
        self.window.turn(all_good, now);
    }

    pub(super) fn forget(&mut self) -> Option<impl Sized + use<>> {
        self.window.forget()
    }

    /// The counts of the window.
    pub(super) fn tally(&self, good: Good, now: Instant) -> Tally {
        self.window.tally(good, now)
    }

    /// The good calls since the last bad one; `None` with a time window.
    pub(super) fn successes_after(&self, good: Good) -> Option<u32> {
        (!self.counts_all()).then_some(good.run)
    }

    /// The time since the last bad call.
    pub(super) fn age(&self, now: Instant) -> Option<Duration> {
        self.last.map(|last| now.since(last))
    }

    /// Whether there is no bad call to remember.
    pub(super) fn is_spotless(&self, good: Good, now: Instant) -> bool {
        let tally = self.tally(good, now);
        self.failures_after(good) == 0 && tally.failed == 0 && tally.slow == 0
    }

    pub(super) fn failures_after(&self, good: Good) -> u32 {
        if self.window.has_good_since(good) { 0 } else { self.failures }
    }

    fn hung_after(&self, good: Good) -> u32 {
        if self.window.has_good_since(good) { 0 } else { self.hung }
    }

    /// The consecutive failures, `bad` included, and how many of them hang. A slow success ends the run; a slow call
    /// that was cancelled leaves it (R1).
    fn run_with(&self, good: Good, bad: Bad) -> (u32, u32) {
        let (failures, hung) = (self.failures_after(good), self.hung_after(good));
        match bad.call().ending {
            Ending::Failure => {
                (failures.saturating_add(bad.calls()), hung.saturating_add(bad.hung()))
            }
            Ending::Success => (0, 0),
            Ending::Ignored | Ending::Cancelled => (failures, hung),
        }
    }

    /// Whether the bad calls, after those good ones, open the circuit. A run comes before a rate (R2).
    pub(super) fn judge(
        &self,
        settings: &Settings,
        good: Good,
        bad: Bad,
        now: Instant,
    ) -> Option<TripReason> {
        let (failures, hung) = self.run_with(good, bad);
        if let Some(limit) = settings.failure_threshold
            && bad.call().is_failed()
            && failures >= limit
        {
            return Some(TripReason {
                kind: TripKind::ConsecutiveFailures,
                failed: failures,
                slow: 0,
                calls: failures,
                hung,
                share: None,
                threshold: Some(limit.into()),
            });
        }
        let tally = self.window.tally_with(good, bad.call(), bad.calls(), now);
        if tally.calls < settings.minimum_calls.into() {
            return None;
        }
        let exceeds = |kind, share: f64, threshold: Option<f64>| {
            let threshold = threshold.filter(|threshold| share >= *threshold)?;
            Some(TripReason {
                kind,
                failed: count(tally.failed),
                slow: count(tally.slow),
                calls: count(tally.calls),
                hung,
                share: Some(share),
                threshold: Some(threshold),
            })
        };
        exceeds(TripKind::FailureRate, tally.failed_share(), settings.failure_rate).or_else(|| {
            exceeds(TripKind::SlowCallRate, tally.slow_share(), settings.slow_call_rate)
        })
    }

    /// Records the bad calls, after those good ones.
    pub(super) fn record(&mut self, good: Good, bad: Bad, now: Instant) {
        (self.failures, self.hung) = self.run_with(good, bad);
        self.window.record(good, bad.call(), now);
        for _ in 1..bad.calls() {
            self.window.record(Good { run: 0, ..good }, bad.call(), now);
        }
        self.last = Some(now);
    }
}
