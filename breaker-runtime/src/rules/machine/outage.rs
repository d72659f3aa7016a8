//! Openings, counted and remembered until the circuit closes: since when it is not closed, and why at first.

use std::time::Duration;

use super::{Instant, Machine, Phase, TripReason};
use crate::rules::Outage;

/// The first opening since the circuit was closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstOpening {
    at: Instant,
    /// How long the outage had lasted in earlier processes (R31).
    before: Duration,
    reason: TripReason,
}

impl Machine {
    /// Takes note of an opening. It is a re-opening unless the circuit is closed (R15).
    pub(super) fn note_opening(&mut self, reason: TripReason, now: Instant) {
        let is_reopening = !matches!(self.phase, Phase::Closed(_));
        let trouble = self.trouble();
        trouble.trip_reason = Some(reason);
        trouble.reopenings = trouble.reopenings.saturating_add(is_reopening.into());
        if self.first_opening().is_none() {
            self.begin_outage(Duration::ZERO, reason, now);
        }
    }

    /// Begins an outage that had lasted for `before` already.
    pub(super) fn begin_outage(&mut self, before: Duration, reason: TripReason, now: Instant) {
        let first = FirstOpening { at: now, before, reason };
        self.history().first_opening = Some(first.into());
    }

    pub(super) fn end_outage(&mut self) {
        if let Some(history) = &mut self.history {
            history.first_opening = None;
        }
    }

    /// The outage at `now`, if there is one. Orders do not end it: only a closed circuit has none.
    pub(super) fn outage(&self, now: Instant) -> Option<Outage> {
        let FirstOpening { at, before, reason } = *self.first_opening()?;
        let since = now.since(at).saturating_add(before);
        let reopenings = self.trouble.as_ref().map_or(0, |trouble| trouble.reopenings);
        Some(Outage { since, first: reason, reopenings })
    }

    fn first_opening(&self) -> Option<&FirstOpening> {
        self.history.as_ref()?.first_opening.as_deref()
    }
}
