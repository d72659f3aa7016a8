//! What a circuit has counted since it was made. Unlike the window, totals never forget (R19).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::RejectedReason;
use crate::outcome::Ending;
use crate::snapshot::{Calls, Rejections};

/// One thing that is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counter {
    Started,
    Success,
    Failure,
    Ignored,
    Cancelled,
    Slow,
    Late,
    TimedOut,
    Panicked,
    RejectedOpen,
    RejectedHalfOpenFull,
    RejectedForcedOpen,
    RejectedBulkheadFull,
}

impl From<Ending> for Counter {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Success => Self::Success,
            Ending::Failure => Self::Failure,
            Ending::Ignored => Self::Ignored,
            Ending::Cancelled => Self::Cancelled,
        }
    }
}

impl From<RejectedReason> for Counter {
    fn from(reason: RejectedReason) -> Self {
        match reason {
            RejectedReason::Open => Self::RejectedOpen,
            RejectedReason::HalfOpenFull => Self::RejectedHalfOpenFull,
            RejectedReason::ForcedOpen => Self::RejectedForcedOpen,
            RejectedReason::BulkheadFull => Self::RejectedBulkheadFull,
        }
    }
}

const COUNTERS: usize = Counter::RejectedBulkheadFull as usize + 1;

#[derive(Debug, Default)]
pub(crate) struct Totals([AtomicU64; COUNTERS]);

impl Totals {
    pub(crate) fn add(&self, counter: impl Into<Counter>) {
        self.0[counter.into() as usize].fetch_add(1, Ordering::Release);
    }

    fn of(&self, counter: Counter) -> u64 {
        self.0[counter as usize].load(Ordering::Acquire)
    }

    /// Adds what another circuit has counted.
    pub(crate) fn absorb(&self, other: &Self) {
        for (own, other) in self.0.iter().zip(&other.0) {
            own.fetch_add(other.load(Ordering::Acquire), Ordering::Release);
        }
    }

    /// The calls, `started` read last: a call that ends meanwhile is never seen to end before it began.
    pub(crate) fn calls(&self) -> Calls {
        let mut calls = Calls {
            started: 0,
            success: self.of(Counter::Success),
            failure: self.of(Counter::Failure),
            ignored: self.of(Counter::Ignored),
            cancelled: self.of(Counter::Cancelled),
            slow: self.of(Counter::Slow),
            late: self.of(Counter::Late),
            timed_out: self.of(Counter::TimedOut),
            panicked: self.of(Counter::Panicked),
        };
        calls.started = self.of(Counter::Started);
        calls
    }

    pub(crate) fn rejections(&self) -> Rejections {
        Rejections {
            open: self.of(Counter::RejectedOpen),
            half_open_full: self.of(Counter::RejectedHalfOpenFull),
            forced_open: self.of(Counter::RejectedForcedOpen),
            bulkhead_full: self.of(Counter::RejectedBulkheadFull),
        }
    }
}
