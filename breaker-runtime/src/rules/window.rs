//! The recent calls that rates are taken over.
//!
//! A window is told of bad calls only. Good ones are counted without it ([`Good`]), and it is always read
//! together with what is counted: a count window needs the run that is under way, a time window all.

mod count;
mod time;

use crate::rules::{Ended, Instant};
use crate::settings::WindowSize;
use count::CountWindow;
use time::TimeWindow;

/// What a window holds.
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

    fn with(self, call: Ended) -> Self {
        Self {
            calls: self.calls.saturating_add(1),
            failed: self.failed + u64::from(call.is_failed()),
            slow: self.slow + u64::from(call.slow),
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
    /// Those since the last bad one, saturating at the window. None where the window
    /// [goes by](Window::counts_all) all.
    pub(crate) run: u32,
    /// All of this epoch, where the window goes by these.
    pub(crate) all: u64,
}

/// The last calls by number or by time.
#[derive(Debug)]
pub(crate) enum Window {
    Count(CountWindow),
    Time(TimeWindow),
}

impl Window {
    /// An empty window of a circuit that was made at `created`.
    pub(crate) fn new(size: WindowSize, created: Instant) -> Self {
        match size {
            WindowSize::Calls(calls) => Self::Count(CountWindow::new(calls)),
            WindowSize::Time(length) => Self::Time(TimeWindow::new(length, created)),
        }
    }

    /// Goes on as a window of that size. One of another kind begins empty (R24). `good` is as of before.
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

    /// Whether it goes by all good calls of the epoch, and not by the run of them.
    pub(crate) fn counts_all(&self) -> bool {
        matches!(self, Self::Time(_))
    }

    /// Until when good calls need only be counted.
    pub(crate) fn edge(&self) -> Instant {
        match self {
            Self::Count(_) => Instant::NEVER,
            Self::Time(window) => window.edge(),
        }
    }

    /// Takes note of the time, which has come to the edge.
    pub(crate) fn turn(&mut self, all_good: u64, now: Instant) {
        match self {
            Self::Count(_) => {}
            Self::Time(window) => window.turn(all_good, now),
        }
    }

    /// Forgets what a full run of good calls has pushed out. Returns what it took, to be dropped where nobody
    /// waits.
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

    /// Records a bad call that those good ones preceded.
    pub(crate) fn record(&mut self, good: Good, call: Ended, now: Instant) {
        match self {
            Self::Count(window) => window.record(good.run, call),
            Self::Time(window) => window.record(call, good.all, now),
        }
    }

    /// What the window holds.
    pub(crate) fn tally(&self, good: Good, now: Instant) -> Tally {
        match self {
            Self::Count(window) => window.tally(good.run),
            Self::Time(window) => window.tally(good.all, now),
        }
    }

    /// What it would hold if `call` were recorded now.
    pub(crate) fn tally_with(&self, good: Good, call: Ended, now: Instant) -> Tally {
        match self {
            Self::Count(window) => window.tally_with(good.run, call),
            Self::Time(window) => window.tally(good.all, now).with(call),
        }
    }
}
