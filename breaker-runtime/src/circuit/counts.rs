//! What a circuit has counted over its life, as people read it.

/// What became of the calls that started.
///
/// Always `started == success + failure + ignored + cancelled + in_flight`; the other counts are marks on
/// those.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// circuit.try_acquire()?.success();
/// drop(circuit.try_acquire()?);
/// let calls = circuit.snapshot().calls;
/// assert_eq!((calls.started, calls.success, calls.cancelled), (2, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Calls {
    /// Calls that were let through.
    pub started: u64,
    /// Calls that ended well.
    pub success: u64,
    /// Calls that failed.
    pub failure: u64,
    /// Calls that say nothing about the dependency.
    pub ignored: u64,
    /// Calls that were dropped before they ended.
    pub cancelled: u64,
    /// Recorded calls that took longer than `slow_call`.
    pub slow: u64,
    /// Calls whose outcome came when the circuit had moved on.
    pub late: u64,
    /// Calls that took longer than `call_timeout`.
    pub timed_out: u64,
    /// Calls that panicked.
    pub panicked: u64,
}

impl Calls {
    pub(crate) fn ended(&self) -> u64 {
        let ended = [self.success, self.failure, self.ignored, self.cancelled];
        ended.into_iter().fold(0, u64::saturating_add)
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.started.saturating_sub(self.ended())
    }
}

/// Calls that did not start, by reason.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// circuit.force_open();
/// assert!(circuit.try_acquire().is_err());
/// assert_eq!(circuit.snapshot().rejected.forced_open, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejections {
    /// The circuit was open.
    pub open: u64,
    /// All probes were in flight.
    pub half_open_full: u64,
    /// The circuit was forced open.
    pub forced_open: u64,
    /// The bulkhead was full.
    pub bulkhead_full: u64,
}

impl Rejections {
    /// All of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.trip();
    /// assert!(circuit.try_acquire().is_err());
    /// assert_eq!(circuit.snapshot().rejected.total(), 1);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn total(&self) -> u64 {
        let all = [self.open, self.half_open_full, self.forced_open, self.bulkhead_full];
        all.into_iter().fold(0, u64::saturating_add)
    }
}
