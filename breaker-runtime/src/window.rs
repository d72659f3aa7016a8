//! The recent calls that rates are taken over.
//!
//! The good calls since the last bad one are a run, which a count window need not be told of one by one:
//! it is always read together with the run that is under way. A time window is told of every call.

mod count;
mod time;

use crate::clock::Instant;
use crate::config::WindowSize;
use crate::outcome::Ended;
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

    fn with(self, call: Ended) -> Self {
        Self {
            calls: self.calls + 1,
            failed: self.failed + u64::from(call.is_failed()),
            slow: self.slow + u64::from(call.slow),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 calls do not fit into a lifetime")]
fn share(some: u64, all: u64) -> f64 {
    some as f64 / all as f64
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

    /// Whether good calls must be recorded too.
    pub(crate) fn takes_good_calls(&self) -> bool {
        matches!(self, Self::Time(_))
    }

    /// Records a call that `run` good ones preceded.
    pub(crate) fn record(&mut self, run: u32, call: Ended, now: Instant) {
        match self {
            Self::Count(window) => window.record(run, call),
            Self::Time(window) => window.record(call, now),
        }
    }

    /// What the window holds when `run` good calls have followed the last bad one.
    pub(crate) fn tally(&self, run: u32, now: Instant) -> Tally {
        match self {
            Self::Count(window) => window.tally(run),
            Self::Time(window) => window.tally(now),
        }
    }

    /// What it would hold if `call` were recorded now.
    pub(crate) fn tally_with(&self, run: u32, call: Ended, now: Instant) -> Tally {
        match self {
            Self::Count(window) => window.tally_with(run, call),
            Self::Time(window) => window.tally(now).with(call),
        }
    }
}
