//! States that only tests ask for.

use super::{Instant, Machine, Phase};

/// In a separate file, because nothing of it exists without feature `test-util`.
impl Machine {
    /// Goes to half-open on the way that calls would take, without a probe.
    pub(crate) fn become_half_open(&mut self, now: Instant) {
        if let Phase::ForcedOpen | Phase::Disabled = self.phase {
            self.reset(now);
        }
        if let Phase::Closed(_) = self.phase {
            self.trip(now);
        }
        if let Phase::Open { .. } = self.phase {
            self.begin_half_open(now);
        }
    }
}
