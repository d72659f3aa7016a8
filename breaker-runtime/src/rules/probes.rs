//! The probes of one half-open period.

/// The probes of one half-open period.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
///
/// let time = ManualClock::new();
/// let clock = Clock::Manual(time.clone());
/// let circuit = CircuitBreaker::with_clock("payments", Config::new(), clock)?;
/// circuit.trip();
/// time.advance(Duration::from_secs(60));
///
/// circuit.try_acquire()?.success();
/// let under_way = circuit.try_acquire()?;
/// let probes = circuit.snapshot().probes;
/// assert_eq!((probes.successes, probes.in_flight), (1, 1));
/// # drop(under_way);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probes {
    /// Probes that have not ended.
    pub in_flight: u64,
    /// Probes that succeeded.
    pub successes: u64,
    /// Probes that failed, were slow, or were lost.
    pub failures: u64,
    /// Probes that did not end within `probe_timeout`.
    pub lost: u64,
}
