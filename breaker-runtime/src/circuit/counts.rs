//! The totals of a circuit, as snapshots show them.

/// How the calls that started have ended, since the circuit was made.
///
/// `started == success + failure + ignored + cancelled + in_flight` always holds. The other fields count some of
/// these calls a second time.
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
    /// Calls that were admitted.
    pub started: u64,
    /// Calls that succeeded.
    pub success: u64,
    /// Calls that failed.
    pub failure: u64,
    /// Calls that were ignored, because they say nothing about the dependency.
    pub ignored: u64,
    /// Calls that were dropped before they ended.
    pub cancelled: u64,
    /// Recorded calls that took longer than `slow_call`.
    pub slow: u64,
    /// Calls that were in flight for longer than `hung_after`, and counted as failed because of that. They are late
    /// when they end.
    pub hung: u64,
    /// Calls that ended too late to count: the circuit had changed state or was reset, the probe was lost, or the call
    /// had hung.
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
    /// As many probes were in flight as `half_open_max_calls` allows.
    pub half_open_full: u64,
    /// The circuit was forced open.
    pub forced_open: u64,
    /// As many calls were in flight as `max_concurrent` allows.
    pub bulkhead_full: u64,
    /// The circuit was recovering, and let in a share of the calls.
    pub recovering: u64,
}

impl Rejections {
    /// The sum of all reasons.
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
        let Self { open, half_open_full, forced_open, bulkhead_full, recovering } = *self;
        let all = [open, half_open_full, forced_open, bulkhead_full, recovering];
        all.into_iter().fold(0, u64::saturating_add)
    }
}
