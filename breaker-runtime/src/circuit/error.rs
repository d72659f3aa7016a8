//! What a call gets that did not run, or that was dropped at its time limit: [`Rejected`] and [`TimedOut`].

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::rules::{Refusal, RejectedReason};
use crate::settings::{Name, Readable};

/// A call was refused without running. This never counts as a failure.
///
/// Making one does not allocate.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, RejectedReason};
///
/// let circuit = CircuitBreaker::new("billing", Config::new())?;
/// circuit.trip();
///
/// let rejected = circuit.try_acquire().unwrap_err();
/// assert_eq!(rejected.name(), "billing");
/// assert_eq!(rejected.reason(), RejectedReason::Open);
/// assert!(rejected.retry_after().is_some());
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Rejected {
    name: Name,
    refusal: Refusal,
}

impl Rejected {
    #[inline]
    pub(crate) fn new(name: Name, refusal: Refusal) -> Self {
        Self { name, refusal }
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// The name of the circuit that refused.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Why it refused.
    #[must_use]
    pub fn reason(&self) -> RejectedReason {
        self.refusal.reason
    }

    /// The time until a probe may run. `None` if the circuit is not open, or stays open until reset.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal.retry_after()
    }
}

impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("name", &self.name())
            .field("reason", &self.reason())
            .field("retry_after", &self.retry_after())
            .finish()
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match (self.reason(), self.refusal.left.as_duration()) {
            (RejectedReason::Open, Some(left)) => {
                write!(f, "circuit {name:?} is open; retry in {}", Readable(left))
            }
            (RejectedReason::Open, None) => write!(f, "circuit {name:?} is open until it is reset"),
            (RejectedReason::HalfOpenFull, _) => {
                write!(
                    f,
                    "circuit {name:?} is half-open and has all its probes in flight; retry soon"
                )
            }
            (RejectedReason::ForcedOpen, Some(left)) => {
                write!(f, "circuit {name:?} is forced open for another {}", Readable(left))
            }
            (RejectedReason::ForcedOpen, None) => {
                write!(f, "circuit {name:?} is forced open until it is reset")
            }
            (RejectedReason::BulkheadFull, _) => {
                write!(f, "circuit {name:?} has as many calls in flight as it allows; retry soon")
            }
        }
    }
}

impl Error for Rejected {}

/// A call was dropped because it did not end within `call_timeout`. This counts as a failure.
///
/// # Examples
///
/// ```
/// use breaker_runtime::CallError;
///
/// fn advice<E>(error: &CallError<E>) -> &'static str {
///     match error {
///         CallError::TimedOut(_) => "too slow",
///         CallError::Rejected(_) => "not tried",
///         CallError::Failed(_) => "failed",
///     }
/// }
/// assert_eq!(advice(&CallError::Failed("down")), "failed");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TimedOut {
    name: Name,
    after: Duration,
}

impl TimedOut {
    pub(crate) fn new(name: Name, after: Duration) -> Self {
        Self { name, after }
    }

    /// The name of the circuit.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The call's time limit.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }
}

impl fmt::Debug for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, .. } = self;
        f.debug_struct("TimedOut").field("name", &self.name()).field("after", after).finish()
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call through circuit {:?} timed out after {}", self.name(), Readable(self.after))
    }
}

impl Error for TimedOut {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Instant;

    fn rejected(reason: RejectedReason, retry_after: Option<Duration>) -> String {
        let end = retry_after.map_or(Instant::NEVER, |left| Instant::ZERO.after(left));
        let refusal = Refusal { reason, left: Instant::ZERO.left_to(end) };
        Rejected::new(Name::Static("billing"), refusal).to_string()
    }

    #[test]
    fn a_refusal_says_what_the_caller_can_do_next() {
        use RejectedReason::{BulkheadFull, ForcedOpen, HalfOpenFull, Open};
        assert_eq!(
            rejected(Open, Some(Duration::from_secs(12))),
            r#"circuit "billing" is open; retry in 12s"#
        );
        assert_eq!(rejected(Open, None), r#"circuit "billing" is open until it is reset"#);
        assert!(rejected(HalfOpenFull, None).ends_with("retry soon"));
        assert!(rejected(ForcedOpen, None).ends_with("until it is reset"));
        assert_eq!(
            rejected(ForcedOpen, Some(Duration::from_secs(12))),
            r#"circuit "billing" is forced open for another 12s"#
        );
        assert!(rejected(BulkheadFull, None).ends_with("retry soon"));
    }

    #[test]
    fn debug_shows_what_the_accessors_return() {
        let left = Instant::ZERO.left_to(Instant::ZERO.after(Duration::from_millis(12_300)));
        let open = Rejected::new(Name::Static("billing"), Refusal::open(left));
        assert_eq!(
            format!("{open:?}"),
            r#"Rejected { name: "billing", reason: Open, retry_after: Some(12.3s) }"#
        );
        let forced =
            Rejected::new(Name::Static("billing"), Refusal::new(RejectedReason::ForcedOpen));
        assert_eq!(
            format!("{forced:?}"),
            r#"Rejected { name: "billing", reason: ForcedOpen, retry_after: None }"#
        );
        let timed_out = TimedOut::new(Name::Static("billing"), Duration::from_millis(250));
        assert_eq!(format!("{timed_out:?}"), r#"TimedOut { name: "billing", after: 250ms }"#);
    }

    #[test]
    fn errors_are_small_and_can_cross_threads() {
        fn crosses_threads<T: Error + Send + Sync + 'static>() -> usize {
            size_of::<T>()
        }
        assert!(crosses_threads::<Rejected>() <= 48);
        assert!(crosses_threads::<TimedOut>() <= 48);
    }

    #[test]
    fn a_timeout_says_how_long_it_waited() {
        let timed_out =
            TimedOut { name: Name::Static("billing"), after: Duration::from_millis(250) };
        assert_eq!(
            timed_out.to_string(),
            r#"call through circuit "billing" timed out after 250ms"#
        );
    }
}
