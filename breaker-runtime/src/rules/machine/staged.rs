//! States that only tests ask for.

use super::{Instant, Machine, Phase};

/// In a separate file, because nothing of it exists without feature `test-util`.
impl Machine {
    /// Opens for a whole cooldown.
    pub(crate) fn become_open(&mut self, now: Instant) {
        if let Phase::Open { .. } | Phase::ForcedOpen | Phase::Disabled = self.phase {
            self.reset(now);
        }
        self.trip(now);
    }

    /// Goes to half-open on the way that calls would take, without a probe.
    pub(crate) fn become_half_open(&mut self, now: Instant) {
        match &self.phase {
            Phase::Open { .. } => {}
            Phase::HalfOpen { probes, .. } if probes.len() == 0 => {}
            _ => self.become_open(now),
        }
        if let Phase::Open { .. } = self.phase {
            self.begin_half_open(now);
        }
    }
}
