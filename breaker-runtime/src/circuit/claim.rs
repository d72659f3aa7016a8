//! `Claim`: what a permit holds of its circuit, in two words.

use super::clock::Stopwatch;
use super::word::Epoch;
use crate::rules::{ProbeId, Ticket};

/// The machine's ticket, with the epoch as the word has it.
///
/// What the permit holds besides is marked in bits that the epoch leaves free. So a permit that holds anything never
/// equals the word, whatever the circuit has been told meanwhile (R24). One that holds nothing but a start time is
/// compared without its mark, once its time was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    marked: Epoch,
    pub(super) probe: Option<ProbeId>,
}

/// A slot of the bulkhead.
const SLOT: u64 = 1;
/// A moment of the circuit's clock, or of the counter, at which the call began.
const CLOCKED: u64 = 2;
const COUNTED: u64 = 4;
/// A place in the count of a watch, whose number is in the other bits.
const WATCHED: u64 = 8;
const WATCH_SHIFT: u32 = 4;

impl Claim {
    /// For a call that is no probe.
    #[inline]
    pub(super) const fn of(epoch: Epoch) -> Self {
        Self { marked: epoch, probe: None }
    }

    /// The epoch with its marks: equal to the epoch if the permit holds nothing.
    #[inline]
    pub(super) fn marked(self) -> Epoch {
        self.marked
    }

    /// How the call is timed, if the permit holds nothing else.
    #[inline]
    pub(super) fn holds_at_most_time(self) -> Option<Stopwatch> {
        let holds_more = self.probe.is_some() || self.marked.marks() & !(CLOCKED | COUNTED) != 0;
        (!holds_more).then(|| self.stopwatch())
    }

    pub(super) fn epoch(self) -> Epoch {
        self.marked.without_marks()
    }

    pub(super) fn with_slot(self, has_slot: bool) -> Self {
        if has_slot { self.with(SLOT) } else { self }
    }

    pub(super) fn holds_slot(self) -> bool {
        self.marked.marks() & SLOT != 0
    }

    pub(super) fn timed_by(self, stopwatch: Stopwatch) -> Self {
        match stopwatch {
            Stopwatch::None => self,
            Stopwatch::Clock | Stopwatch::Watched => self.with(CLOCKED),
            Stopwatch::Counter => self.with(COUNTED),
        }
    }

    pub(super) fn stopwatch(self) -> Stopwatch {
        match self.marked.marks() & (CLOCKED | COUNTED) {
            CLOCKED => Stopwatch::Clock,
            COUNTED => Stopwatch::Counter,
            _ => Stopwatch::None,
        }
    }

    pub(super) fn watched_by(self, number: u16) -> Self {
        self.with(WATCHED | u64::from(number) << WATCH_SHIFT)
    }

    /// The number of the watch that counts the call.
    #[expect(clippy::cast_possible_truncation, reason = "16 bits are left of the marks")]
    pub(super) fn watch(self) -> Option<u16> {
        let marks = self.marked.marks();
        (marks & WATCHED != 0).then_some((marks >> WATCH_SHIFT) as u16)
    }

    /// The same for another ticket of the machine.
    pub(super) fn again(self, ticket: Ticket) -> Self {
        Self::from(ticket).with_slot(self.holds_slot())
    }

    fn with(self, mark: u64) -> Self {
        Self { marked: self.marked.with_marks(mark), ..self }
    }
}

impl From<Ticket> for Claim {
    fn from(ticket: Ticket) -> Self {
        Self { marked: Epoch::of(ticket.epoch), probe: ticket.probe }
    }
}

impl From<Claim> for Ticket {
    fn from(claim: Claim) -> Self {
        Self { epoch: claim.epoch().number(), probe: claim.probe }
    }
}
