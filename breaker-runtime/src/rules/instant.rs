//! Points in time and time spans on a circuit's clock, as plain numbers.

use std::time::Duration;

/// Nanoseconds on a circuit's clock. All arithmetic saturates (R17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(u64);

impl Instant {
    pub(crate) const ZERO: Self = Self(0);
    /// The end of time. A deadline here is never reached.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) const fn as_nanos(self) -> u64 {
        self.0
    }

    pub(crate) fn after(self, elapsed: Duration) -> Self {
        Self(self.0.saturating_add(nanos(elapsed)))
    }

    /// Whether more than `nanos` nanoseconds have passed since `earlier`.
    pub(crate) fn is_later(self, earlier: Self, nanos: u64) -> bool {
        self.0.saturating_sub(earlier.0) > nanos
    }

    /// The time until `deadline`.
    #[inline]
    pub(crate) fn left_to(self, deadline: Self) -> Left {
        if deadline == Self::NEVER {
            Left::FOREVER
        } else {
            Left(deadline.0.saturating_sub(self.0))
        }
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    pub(crate) fn has_reached(self, deadline: Self) -> bool {
        deadline != Self::NEVER && self >= deadline
    }
}

/// The time until a deadline, in nanoseconds. A [`Duration`] would cost a division, and few callers read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Left(u64);

impl Left {
    /// The time until a deadline that never comes.
    pub(crate) const FOREVER: Self = Self(u64::MAX);

    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Limits the time to `longest`, unless it never ends.
    #[inline]
    pub(crate) fn at_most(self, longest: Self) -> Self {
        if self == Self::FOREVER { self } else { self.min(longest) }
    }

    /// `None` if it never ends.
    pub(crate) fn as_duration(self) -> Option<Duration> {
        (self != Self::FOREVER).then(|| Duration::from_nanos(self.0))
    }
}

/// The duration in nanoseconds, saturating at `u64::MAX`.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_time_is_never_reached() {
        let deadline = Instant::ZERO.after(Duration::from_secs(1)).after(Duration::MAX);
        assert_eq!(deadline, Instant::NEVER);
        assert!(!Instant::NEVER.has_reached(deadline));
    }

    #[test]
    fn a_clock_that_went_back_shows_no_time_elapsed() {
        let later = Instant::ZERO.after(Duration::from_secs(2));
        assert_eq!(Instant::ZERO.since(later), Duration::ZERO);
    }
}
