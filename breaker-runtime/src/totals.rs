//! What a circuit has counted since it was made. Unlike the window, totals never forget (R19).

use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::race::OnceBox;

use crate::cells::Cells;
pub(crate) use crate::cells::Hot;
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

impl Counter {
    const ALL: [Self; COUNTERS] = [
        Self::Started,
        Self::Success,
        Self::Failure,
        Self::Ignored,
        Self::Cancelled,
        Self::Slow,
        Self::Late,
        Self::TimedOut,
        Self::Panicked,
        Self::RejectedOpen,
        Self::RejectedHalfOpenFull,
        Self::RejectedForcedOpen,
        Self::RejectedBulkheadFull,
    ];
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

type Shared = [AtomicU64; COUNTERS];

/// What is on the fast path counts in cells of every thread's own, everything else in shared counters, for
/// which a healthy circuit has no room.
#[derive(Debug)]
pub(crate) struct Totals {
    cells: Cells,
    shared: OnceBox<Shared>,
}

impl Totals {
    pub(crate) fn new() -> Self {
        Self { cells: Cells::new(), shared: OnceBox::new() }
    }

    #[inline]
    pub(crate) fn add_at_once(&self, counter: Hot) -> bool {
        self.cells.add_at_once(counter)
    }

    #[inline]
    pub(crate) fn add_hot(&self, counter: Hot) {
        self.cells.add(counter);
    }

    pub(crate) fn add(&self, counter: impl Into<Counter>) {
        self.shared()[counter.into() as usize].fetch_add(1, Ordering::Release);
    }

    /// The good calls that never met the machine.
    pub(crate) fn good(&self) -> u64 {
        self.cells.sum(Hot::Good)
    }

    fn shared(&self) -> &Shared {
        self.shared.get_or_init(Box::default)
    }

    fn of(&self, counter: Counter) -> u64 {
        let shared =
            self.shared.get().map_or(0, |all| all[counter as usize].load(Ordering::Acquire));
        match counter {
            Counter::Started => shared + self.cells.sum(Hot::Started),
            Counter::Success => shared + self.cells.sum(Hot::Good),
            Counter::RejectedOpen => shared + self.cells.sum(Hot::Refused),
            _ => shared,
        }
    }

    /// Adds what another circuit has counted.
    pub(crate) fn absorb(&self, other: &Self) {
        for (own, counter) in self.shared().iter().zip(Counter::ALL) {
            own.fetch_add(other.of(counter), Ordering::Release);
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
