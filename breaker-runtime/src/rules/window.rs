//! The sliding window that rates are computed over.
//!
//! A window records bad calls only. Good calls are counted outside ([`Good`]) and passed in. A count window needs the
//! run of good calls since the last bad one; a time window needs the sum of all.

mod count;
mod time;

use crate::rules::{Ended, Instant};
use crate::settings::WindowSize;
use count::CountWindow;
use time::TimeWindow;

/// The counts of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) slow: u64,
}

impl Tally {
    pub(crate) fn failed_share(self) -> f64 {
        share(self.failed, self.calls)
    }

    pub(crate) fn slow_share(self) -> f64 {
        share(self.slow, self.calls)
    }

    fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            failed: self.failed + other.failed,
            slow: self.slow + other.slow,
        }
    }

    fn with(self, call: Ended, times: u32) -> Self {
        let of = |is: bool| if is { times.into() } else { 0 };
        Self {
            calls: self.calls.saturating_add(times.into()),
            failed: self.failed + of(call.is_failed()),
            slow: self.slow + of(call.slow),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 calls do not fit into a lifetime")]
fn share(some: u64, all: u64) -> f64 {
    some as f64 / all as f64
}

/// The good calls of a closed circuit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Good {
    /// Good calls since the last bad one, at most the window's size. 0 if the window
    /// [uses the sum](Window::counts_all).
    pub(crate) run: u32,
    /// All good calls of this epoch. 0 if the window uses the run.
    pub(crate) all: u64,
}

/// The last N calls, or the last D of time.
#[derive(Debug)]
pub(crate) enum Window {
    Count(CountWindow),
    Time(TimeWindow),
}

impl Window {
    /// An empty window for a circuit made at `created`.
    pub(crate) fn new(size: WindowSize, created: Instant) -> Self {
        match size {
            WindowSize::Calls(calls) => Self::Count(CountWindow::new(calls)),
            WindowSize::Time(length) => Self::Time(TimeWindow::new(length, created)),
        }
    }

    /// Changes the size. A window of another kind begins empty (R24). `good` is the count before the change.
    pub(crate) fn refit(&mut self, size: WindowSize, good: Good, created: Instant, now: Instant) {
        match (&mut *self, size) {
            (Self::Count(window), WindowSize::Calls(calls)) => {
                window.refit(calls, good.run.min(calls));
            }
            (Self::Time(window), WindowSize::Time(length)) => window.refit(length, good.all, now),
            (_, WindowSize::Calls(calls)) => *self = Self::Count(CountWindow::new(calls)),
            (_, WindowSize::Time(length)) => {
                *self = Self::Time(TimeWindow::after(good.all, length, created));
            }
        }
    }

    /// Whether it uses the sum of good calls in this epoch, and not the run.
    pub(crate) fn counts_all(&self) -> bool {
        matches!(self, Self::Time(_))
    }

    /// Until then, good calls only need to be counted.
    pub(crate) fn edge(&self) -> Instant {
        match self {
            Self::Count(_) => Instant::NEVER,
            Self::Time(window) => window.edge(),
        }
    }

    /// Moves on to the bucket of `now`, once the edge is reached.
    pub(crate) fn turn(&mut self, all_good: u64, now: Instant) {
        match self {
            Self::Count(_) => {}
            Self::Time(window) => window.turn(all_good, now),
        }
    }

    /// Forgets the bad calls that a full run has pushed out. Returns their memory, to be dropped outside the lock.
    pub(crate) fn forget(&mut self) -> Option<impl Sized + use<>> {
        match self {
            Self::Count(window) => Some(window.forget()),
            Self::Time(_) => None,
        }
    }

    /// Whether there were good calls since the last bad one.
    pub(crate) fn has_good_since(&self, good: Good) -> bool {
        match self {
            Self::Count(_) => good.run > 0,
            Self::Time(window) => window.has_good_since(good.all),
        }
    }

    /// Records a bad call after those good ones.
    pub(crate) fn record(&mut self, good: Good, call: Ended, now: Instant) {
        match self {
            Self::Count(window) => window.record(good.run, call),
            Self::Time(window) => window.record(call, good.all, now),
        }
    }

    /// The counts at `now`.
    pub(crate) fn tally(&self, good: Good, now: Instant) -> Tally {
        match self {
            Self::Count(window) => window.tally(good.run),
            Self::Time(window) => window.tally(good.all, now),
        }
    }

    /// The counts if `call` were recorded now, that many times.
    pub(crate) fn tally_with(&self, good: Good, call: Ended, times: u32, now: Instant) -> Tally {
        match self {
            Self::Count(window) => window.tally_with(good.run, call, times),
            Self::Time(window) => window.tally(good.all, now).with(call, times),
        }
    }
}
