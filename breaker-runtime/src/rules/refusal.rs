//! Refusals: why a call was refused, and how long that lasts.

use std::fmt;
use std::time::Duration;

use super::instant::Left;

/// Why a call was refused.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, RejectedReason};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// circuit.force_open();
/// assert_eq!(circuit.try_acquire().unwrap_err().reason(), RejectedReason::ForcedOpen);
/// assert_eq!(RejectedReason::HalfOpenFull.to_string(), "half_open_full");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectedReason {
    /// The circuit is open.
    Open,
    /// The circuit is half-open, and as many probes are in flight as `half_open_max_calls` allows.
    HalfOpenFull,
    /// The circuit is forced open.
    ForcedOpen,
    /// As many calls are in flight as `max_concurrent` allows.
    BulkheadFull,
    /// The circuit is recovering, and lets in a share of the calls.
    Recovering,
}

impl RejectedReason {
    /// The word that `Display`, metrics and logs use.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::RejectedReason;
    ///
    /// assert_eq!(RejectedReason::BulkheadFull.as_str(), "bulkhead_full");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::HalfOpenFull => "half_open_full",
            Self::ForcedOpen => "forced_open",
            Self::BulkheadFull => "bulkhead_full",
            Self::Recovering => "recovering",
        }
    }
}

impl fmt::Display for RejectedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A [`Rejected`](crate::Rejected) without the circuit's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: RejectedReason,
    pub(crate) left: Left,
}

impl Refusal {
    pub(crate) const fn new(reason: RejectedReason) -> Self {
        Self { reason, left: Left::FOREVER }
    }

    /// By a circuit that stays open for `left`.
    pub(crate) const fn open(left: Left) -> Self {
        Self { reason: RejectedReason::Open, left }
    }

    /// By a circuit that stays forced open for `left`.
    pub(crate) const fn forced_open(left: Left) -> Self {
        Self { reason: RejectedReason::ForcedOpen, left }
    }

    /// The time until a probe may run, which is known only for an open circuit.
    pub(crate) fn retry_after(self) -> Option<Duration> {
        self.left.as_duration().filter(|_| self.reason == RejectedReason::Open)
    }
}
