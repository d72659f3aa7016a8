//! Saved state: what of an opening outlives the process, and how another process goes on with it (R31).

use std::time::Duration;

use super::{Cause, Good, Instant, Machine, Phase, TripKind, TripReason};

/// An opening that outlives the process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Downtime {
    /// What is left of the cooldown; `None` if it lasts until a reset.
    pub(crate) left: Option<Duration>,
    pub(crate) reopenings: u32,
    pub(crate) reason: Option<TripReason>,
    /// How long the outage has lasted, and its first reason.
    pub(crate) outage: Option<(Duration, TripReason)>,
}

/// Stands here because no call ever needs it.
impl Machine {
    /// What outlives the process, if it is open or half-open (R31).
    pub(crate) fn downtime(&self, now: Instant) -> Option<Downtime> {
        if let Some(ahead) = self.ahead(now) {
            return ahead.downtime(now);
        }
        let left = match &self.phase {
            Phase::Open { until, .. } => now.left_to(*until).as_duration(),
            Phase::HalfOpen { .. } | Phase::Recovering(_) => Some(Duration::ZERO),
            Phase::Closed(_) | Phase::ForcedOpen | Phase::Disabled => return None,
        };
        let trouble = self.trouble.as_deref().copied().unwrap_or_default();
        let outage = self.outage(now.max(self.now)).map(|outage| (outage.since, outage.first));
        let (reopenings, reason) = (trouble.reopenings, trouble.trip_reason);
        Some(Downtime { left, reopenings, reason, outage })
    }

    /// Opens for what is left of a downtime that began in another process, unless there is evidence of its own or it is
    /// not closed (R31).
    pub(crate) fn restore(&mut self, downtime: Downtime, good: Good, now: Instant) -> bool {
        let now = self.catch_up(now);
        let is_fresh = match &self.phase {
            Phase::Closed(evidence) => evidence.is_spotless(good, now),
            _ => false,
        };
        if is_fresh {
            let reason = downtime.reason.unwrap_or(TripReason::MANUAL);
            let trouble = self.trouble();
            (trouble.reopenings, trouble.trip_reason) = (downtime.reopenings, Some(reason));
            let (lasted, first) = downtime.outage.unwrap_or((Duration::ZERO, reason));
            self.begin_outage(lasted, first, now);
            // What was saved is input, and must not keep a circuit open for longer than its settings could.
            let longest = match reason.kind {
                TripKind::Asked => self.settings.open_for_max,
                _ => self.settings.longest_cooldown(),
            };
            let until = now.after(downtime.left.unwrap_or(Duration::MAX).min(longest));
            self.enter(Phase::Open { until, draw: 0.0 }, Cause::Restored(reason), now);
        }
        is_fresh
    }
}
