//! Where time comes from: the system's monotonic clock, or one that a test moves by hand.
//!
//! The wall clock is never asked, so neither a daylight-saving change nor an operator can open or
//! close a circuit.

#[cfg(not(feature = "test-util"))]
mod system;
#[cfg(feature = "test-util")]
#[path = "clock/tokio.rs"]
mod system;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The clock that a circuit goes by.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, State};
///
/// let time = ManualClock::new();
/// let config = Config::new().cooldown(Duration::from_secs(5));
/// let circuit = CircuitBreaker::with_clock("payments", config, Clock::Manual(time.clone()))?;
///
/// circuit.trip();
/// time.advance(Duration::from_secs(5));
/// assert!(circuit.snapshot().probe_due);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's monotonic clock ([`std::time::Instant`]). Whether it goes on while the machine
    /// is suspended is up to the operating system; on Linux it does not. Under feature `test-util` it is
    /// tokio's clock, which a test can pause and advance.
    #[default]
    System,
    /// A clock that only moves when told to.
    Manual(ManualClock),
}

impl Clock {
    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::System => system::now(),
            Self::Manual(clock) => Instant(clock.elapsed.load(Ordering::Acquire)),
        }
    }
}

/// A clock that stands still until [`advance`](ManualClock::advance) moves it. Clones share one time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Clock, ManualClock};
///
/// let time = ManualClock::new();
/// let clock = Clock::Manual(time.clone());
/// time.advance(Duration::from_millis(250));
/// # let _ = clock;
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    elapsed: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that stands at its beginning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock on. It stops at 584 years after its beginning, the end of time here.
    pub fn advance(&self, by: Duration) {
        let moved = |elapsed| Some(Instant(elapsed).after(by).0);
        let _ = self.elapsed.fetch_update(Ordering::AcqRel, Ordering::Acquire, moved);
    }
}

/// Nanoseconds on a circuit's clock. All arithmetic saturates (R17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(u64);

impl Instant {
    pub(crate) const ZERO: Self = Self(0);
    /// The end of time: a deadline here is never reached.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) const fn as_nanos(self) -> u64 {
        self.0
    }

    pub(crate) fn after(self, elapsed: Duration) -> Self {
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    pub(crate) fn has_reached(self, deadline: Self) -> bool {
        deadline != Self::NEVER && self >= deadline
    }
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

    #[test]
    fn clones_of_a_manual_clock_share_one_time() {
        let time = ManualClock::new();
        let clock = Clock::Manual(time.clone());
        time.clone().advance(Duration::from_nanos(7));
        time.advance(Duration::from_nanos(3));
        assert_eq!(clock.now().since(Instant::ZERO), Duration::from_nanos(10));
    }

    #[test]
    fn a_manual_clock_saturates() {
        let time = ManualClock::new();
        time.advance(Duration::MAX);
        time.advance(Duration::from_secs(1));
        assert_eq!(Clock::Manual(time).now(), Instant::NEVER);
    }
}
