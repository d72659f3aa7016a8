//! The totals of a circuit since it was made. Unlike the window, they never forget (R19).

use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::race::OnceBox;

use super::cells::Cells;
pub(super) use super::cells::Hot;
use super::counts::{Calls, Rejections};
use super::word::Epoch;
use crate::rules::{Ending, RejectedReason};

/// One thing that is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counter {
    Started,
    Success,
    Failure,
    Ignored,
    Cancelled,
    Slow,
    Hung,
    Late,
    TimedOut,
    Panicked,
    RejectedOpen,
    RejectedHalfOpenFull,
    RejectedForcedOpen,
    RejectedBulkheadFull,
    RejectedRecovering,
    WouldRejectOpen,
    WouldRejectHalfOpenFull,
    WouldRejectBulkheadFull,
    WouldRejectRecovering,
}

impl Counter {
    const ALL: [Self; COUNTERS] = [
        Self::Started,
        Self::Success,
        Self::Failure,
        Self::Ignored,
        Self::Cancelled,
        Self::Slow,
        Self::Hung,
        Self::Late,
        Self::TimedOut,
        Self::Panicked,
        Self::RejectedOpen,
        Self::RejectedHalfOpenFull,
        Self::RejectedForcedOpen,
        Self::RejectedBulkheadFull,
        Self::RejectedRecovering,
        Self::WouldRejectOpen,
        Self::WouldRejectHalfOpenFull,
        Self::WouldRejectBulkheadFull,
        Self::WouldRejectRecovering,
    ];

    /// A refusal that an observed circuit left out. It leaves out none by an order.
    pub(crate) fn would_reject(reason: RejectedReason) -> Option<Self> {
        match reason {
            RejectedReason::Open => Some(Self::WouldRejectOpen),
            RejectedReason::HalfOpenFull => Some(Self::WouldRejectHalfOpenFull),
            RejectedReason::BulkheadFull => Some(Self::WouldRejectBulkheadFull),
            RejectedReason::Recovering => Some(Self::WouldRejectRecovering),
            RejectedReason::ForcedOpen => None,
        }
    }
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
            RejectedReason::Recovering => Self::RejectedRecovering,
        }
    }
}

const COUNTERS: usize = Counter::WouldRejectRecovering as usize + 1;

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

    /// Adds a good call to those of its epoch too, for a window of time.
    #[inline]
    pub(crate) fn add_good_of(&self, epoch: Epoch) {
        self.cells.add_good_of(epoch);
    }

    /// Adds a call that ended. Good ones are in cells, which cost less.
    #[inline]
    pub(crate) fn add_ended(&self, ending: Ending) {
        match ending {
            Ending::Success => self.add_hot(Hot::Good),
            _ => self.add(ending),
        }
    }

    pub(crate) fn add(&self, counter: impl Into<Counter>) {
        self.add_calls(counter, 1);
    }

    pub(crate) fn add_calls(&self, counter: impl Into<Counter>, calls: u64) {
        self.shared()[counter.into() as usize].fetch_add(calls, Ordering::Release);
    }

    /// The good calls of this epoch that never met the machine.
    pub(crate) fn good_now(&self) -> u64 {
        self.cells.good_now()
    }

    /// The same as of one moment. `hold_up` must have good calls wait if they keep coming.
    pub(crate) fn good_at_one_moment(&self, hold_up: impl Fn()) -> u64 {
        self.cells.good_at_one_moment(hold_up)
    }

    /// Begins another epoch. `heard` is the number of good calls of the epoch before that came in time.
    pub(crate) fn begin_epoch(&self, epoch: Epoch, heard: u64) {
        self.cells.begin_epoch(epoch, heard);
    }

    fn shared(&self) -> &Shared {
        self.shared.get_or_init(Box::default)
    }

    fn shared_of(&self, counter: Counter) -> u64 {
        self.shared.get().map_or(0, |all| all[counter as usize].load(Ordering::Acquire))
    }

    fn of(&self, counter: Counter) -> u64 {
        let in_cells = match counter {
            Counter::Started => self.cells.started(),
            Counter::Success => self.cells.good().all,
            Counter::Late => self.cells.good().late,
            Counter::RejectedOpen => self.cells.refused(),
            _ => 0,
        };
        self.shared_of(counter).saturating_add(in_cells)
    }

    /// Adds what another circuit has counted.
    pub(crate) fn absorb(&self, other: &Self) {
        for (own, counter) in self.shared().iter().zip(Counter::ALL) {
            own.fetch_add(other.of(counter), Ordering::Release);
        }
    }

    /// The calls as of one moment, as far as that can be: no more of them are in flight than were at some
    /// moment of the reading, and none of these numbers ever goes back.
    pub(crate) fn calls(&self) -> Calls {
        /// Where calls keep starting, the last reading is not much better than the one before.
        const READINGS: u32 = 4;
        let mut started = self.of(Counter::Started);
        let mut best = self.calls_of(started);
        for _ in 1..READINGS {
            let before = std::mem::replace(&mut started, self.of(Counter::Started));
            if started == before {
                break;
            }
            let again = self.calls_of(started);
            if again.in_flight() >= best.in_flight() {
                best = again;
            }
        }
        best
    }

    /// The calls. `started` is how many had started, at least, before the ends are read. Of those that start meanwhile,
    /// the ends alone are seen, so there were in fact as many in flight as are shown, or more.
    fn calls_of(&self, started: u64) -> Calls {
        let good = self.cells.good();
        let mut calls = Calls {
            started,
            success: self.shared_of(Counter::Success).saturating_add(good.all),
            failure: self.shared_of(Counter::Failure),
            ignored: self.shared_of(Counter::Ignored),
            cancelled: self.shared_of(Counter::Cancelled),
            slow: self.shared_of(Counter::Slow),
            hung: self.shared_of(Counter::Hung),
            late: self.shared_of(Counter::Late).saturating_add(good.late),
            timed_out: self.shared_of(Counter::TimedOut),
            panicked: self.shared_of(Counter::Panicked),
        };
        calls.started = calls.started.max(calls.ended());
        calls
    }

    /// The refusals that an observed circuit left out.
    pub(crate) fn would_reject(&self) -> Rejections {
        Rejections {
            open: self.of(Counter::WouldRejectOpen),
            half_open_full: self.of(Counter::WouldRejectHalfOpenFull),
            forced_open: 0,
            bulkhead_full: self.of(Counter::WouldRejectBulkheadFull),
            recovering: self.of(Counter::WouldRejectRecovering),
        }
    }

    pub(crate) fn rejections(&self) -> Rejections {
        Rejections {
            open: self.of(Counter::RejectedOpen),
            half_open_full: self.of(Counter::RejectedHalfOpenFull),
            forced_open: self.of(Counter::RejectedForcedOpen),
            bulkhead_full: self.of(Counter::RejectedBulkheadFull),
            recovering: self.of(Counter::RejectedRecovering),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::CircuitBreaker;
    use crate::settings::Config;

    #[test]
    fn x02_counters_near_their_end_are_shown_as_that_and_go_on() {
        let totals = Totals::new();
        for counter in totals.shared() {
            counter.store(u64::MAX - 1, Ordering::Relaxed);
        }
        for hot in [Hot::Started, Hot::Good, Hot::Refused] {
            (0..3).for_each(|_| totals.add_hot(hot));
        }
        let (calls, rejections) = (totals.calls(), totals.rejections());
        assert_eq!((calls.started, calls.success, rejections.open), (u64::MAX, u64::MAX, u64::MAX));
        assert_eq!((calls.failure, calls.in_flight()), (u64::MAX - 1, 0));
        assert_eq!(rejections.total(), u64::MAX);
        (0..3).for_each(|_| totals.add(Ending::Failure));
        assert_eq!(totals.calls().failure, 1, "it begins anew");
    }

    #[test]
    fn x02_a_snapshot_shows_totals_that_have_no_sum() {
        let circuit = CircuitBreaker::new("busy", Config::new().failure_threshold(1)).unwrap();
        circuit.try_acquire().unwrap().success();
        circuit.try_acquire().unwrap().failure();
        assert!(circuit.try_acquire().is_err());
        circuit.force_open();
        assert!(circuit.try_acquire().is_err());
        // Each time, everything that was counted is counted twice.
        (0..63).for_each(|_| circuit.absorb(&circuit));
        let snapshot = circuit.snapshot();
        let half = 1 << 63;
        assert_eq!((snapshot.calls.success, snapshot.calls.failure), (half, half));
        assert_eq!((snapshot.rejected.open, snapshot.rejected.forced_open), (half, half));
        assert_eq!((snapshot.calls.started, snapshot.in_flight), (u64::MAX, 0));
        assert_eq!(snapshot.rejected.total(), u64::MAX);
    }
}
