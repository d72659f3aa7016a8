//! What few circuits have: a bulkhead, settings that end, a time limit from outside the code.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::bulkhead::Bulkhead;
use super::timer::Timer;
use crate::rules::{Instant, nanos};

/// Made when a circuit first needs any of it.
#[derive(Debug)]
pub(super) struct Extras {
    pub(super) bulkhead: Bulkhead,
    /// When the first of the settings ends that are there for a time.
    lapses_at: AtomicU64,
    /// In nanoseconds; 0 leaves it to the function.
    call_timeout: AtomicU64,
}

impl Extras {
    pub(super) fn new(timer: Timer) -> Self {
        Self {
            bulkhead: Bulkhead::new(Bulkhead::OFF, Duration::ZERO, timer),
            lapses_at: AtomicU64::new(Instant::NEVER.as_nanos()),
            call_timeout: AtomicU64::new(0),
        }
    }

    pub(super) fn lapses_at(&self) -> Instant {
        Instant::from_nanos(self.lapses_at.load(Ordering::Acquire))
    }

    pub(super) fn set_lapses_at(&self, at: Instant) {
        self.lapses_at.store(at.as_nanos(), Ordering::Release);
    }

    /// The time limit of a function that states this one. `None` if it is switched off.
    pub(super) fn call_timeout(&self, stated: Duration) -> Option<Duration> {
        match self.call_timeout.load(Ordering::Relaxed) {
            0 => Some(stated),
            u64::MAX => None,
            limit => Some(Duration::from_nanos(limit)),
        }
    }

    #[allow(
        clippy::option_option,
        reason = "`Some(None)` switches the limit off, as in `Effective`"
    )]
    pub(super) fn set_call_timeout(&self, limit: Option<Option<Duration>>) {
        let limit = limit.map_or(0, |limit| limit.map_or(u64::MAX, nanos));
        self.call_timeout.store(limit, Ordering::Relaxed);
    }
}
