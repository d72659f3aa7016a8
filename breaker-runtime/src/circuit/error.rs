//! What a call gets that did not run, or that was dropped at its time limit: [`Rejected`] and [`TimedOut`].

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use super::find_in;
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

    /// The name of the circuit that refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("billing", Config::new())?;
    /// circuit.trip();
    /// assert_eq!(circuit.try_acquire().unwrap_err().name(), "billing");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Why it refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, RejectedReason};
    ///
    /// let circuit = CircuitBreaker::new("billing", Config::new().max_concurrent(1))?;
    /// let _running = circuit.try_acquire().unwrap();
    /// let rejected = circuit.try_acquire().unwrap_err();
    /// assert_eq!(rejected.reason(), RejectedReason::BulkheadFull);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn reason(&self) -> RejectedReason {
        self.refusal.reason
    }

    /// The time until a probe may run. `None` if the circuit is not open, or stays open until reset.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let clock = Clock::Manual(ManualClock::new());
    /// let config = Config::new().cooldown(Duration::from_secs(30));
    /// let circuit = CircuitBreaker::with_clock("billing", config, clock)?;
    /// circuit.trip();
    /// assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), Some(Duration::from_secs(30)));
    /// circuit.force_open();
    /// assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), None); // until it is reset
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal.retry_after()
    }

    /// How many seconds to wait before another call, for the HTTP header `Retry-After`. At least 1.
    ///
    /// This is the time until a probe may run, or until the circuit is no longer forced open, rounded up. It is 1 if a
    /// probe is due, and 1 if nothing is known: the circuit is half-open, has no free slot, or stays as it is until it
    /// is reset.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let time = ManualClock::new();
    /// let config = Config::new().cooldown(Duration::from_secs(30));
    /// let circuit = CircuitBreaker::with_clock("billing", config, Clock::Manual(time.clone()))?;
    /// circuit.trip();
    /// time.advance(Duration::from_millis(400));
    ///
    /// let rejected = circuit.try_acquire().unwrap_err();
    /// let header = ("Retry-After", rejected.retry_after_secs().to_string());
    /// assert_eq!(header.1, "30"); // 29.6 seconds are left
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn retry_after_secs(&self) -> u64 {
        let left = self.refusal.left.as_duration().unwrap_or_default();
        (left.as_secs() + u64::from(left.subsec_nanos() > 0)).max(1)
    }

    /// Finds a refusal in an error or in its [sources](Error::source), however deep.
    ///
    /// It looks into every wrapper that has a source: boxes, `Arc`, [`io::Error`], [`CallError`](crate::CallError),
    /// `anyhow::Error`, and variants with thiserror's `#[from]`, `#[source]` or `#[error(transparent)]`. It cannot look
    /// into an error that kept only the text of a refusal, or that has none as its source.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::{CircuitBreaker, Config, Rejected};
    ///
    /// let circuit = CircuitBreaker::new("billing", Config::new())?;
    /// circuit.trip();
    /// let error = io::Error::from(circuit.try_acquire().unwrap_err());
    ///
    /// assert_eq!(Rejected::find_in(&error).map(Rejected::name), Some("billing"));
    /// assert_eq!(Rejected::find_in(&io::Error::other("billing is down")), None);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn find_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find_in::find_in(error)
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
                    "circuit {name:?} is half-open and has all its probes in flight; retry later"
                )
            }
            (RejectedReason::ForcedOpen, Some(left)) => {
                write!(f, "circuit {name:?} is forced open for another {}", Readable(left))
            }
            (RejectedReason::ForcedOpen, None) => {
                write!(f, "circuit {name:?} is forced open until it is reset")
            }
            (RejectedReason::BulkheadFull, _) => {
                write!(f, "circuit {name:?} has as many calls in flight as it allows; retry later")
            }
            (RejectedReason::Recovering, _) => {
                write!(f, "circuit {name:?} is recovering and lets in some calls only; retry later")
            }
        }
    }
}

impl Error for Rejected {
    /// There is none. Only [`find_in`](Rejected::find_in) sees one: this error.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        find_in::if_sought(self)
    }
}

/// Of kind [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if the circuit is open or forced open. Of kind
/// [`ResourceBusy`](io::ErrorKind::ResourceBusy) if it has no room for the call now. The refusal stays inside: see
/// [`io::Error::get_ref`] and [`Rejected::find_in`].
impl From<Rejected> for io::Error {
    fn from(rejected: Rejected) -> Self {
        let kind = match rejected.reason() {
            RejectedReason::Open | RejectedReason::ForcedOpen => io::ErrorKind::ConnectionRefused,
            RejectedReason::HalfOpenFull
            | RejectedReason::BulkheadFull
            | RejectedReason::Recovering => io::ErrorKind::ResourceBusy,
        };
        Self::new(kind, rejected)
    }
}

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
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
    /// use std::{future::pending, time::Duration};
    /// use breaker_runtime::{CallError, CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("billing", Config::new())?;
    /// let guard = circuit.guard().call_timeout(Duration::from_millis(5));
    /// match guard.call_async(|| pending::<Result<(), String>>()).await {
    ///     Err(CallError::TimedOut(timed_out)) => assert_eq!(timed_out.name(), "billing"),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok(()) }
    /// # #[cfg(not(feature = "tokio"))] fn main() {}
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The call's time limit.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
    /// use std::{future::pending, time::Duration};
    /// use breaker_runtime::{CallError, CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("billing", Config::new())?;
    /// let guard = circuit.guard().call_timeout(Duration::from_millis(5));
    /// match guard.call_async(|| pending::<Result<(), String>>()).await {
    ///     Err(CallError::TimedOut(timed_out)) => assert_eq!(timed_out.after(), Duration::from_millis(5)),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok(()) }
    /// # #[cfg(not(feature = "tokio"))] fn main() {}
    /// ```
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }

    /// Finds a timeout in an error or in its [sources](Error::source), where [`Rejected::find_in`] finds a refusal.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
    /// use std::{future::pending, io, time::Duration};
    /// use breaker_runtime::{CircuitBreaker, Config, TimedOut};
    ///
    /// let circuit = CircuitBreaker::new("billing", Config::new())?;
    /// let guard = circuit.guard().call_timeout(Duration::from_millis(5));
    /// let late = guard.call_async(|| pending::<io::Result<()>>()).await.unwrap_err();
    ///
    /// let error: io::Error = late.into_error();
    /// assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    /// assert_eq!(TimedOut::find_in(&error).map(TimedOut::after), Some(Duration::from_millis(5)));
    /// # Ok(()) }
    /// # #[cfg(not(feature = "tokio"))] fn main() {}
    /// ```
    #[must_use]
    pub fn find_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find_in::find_in(error)
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

impl Error for TimedOut {
    /// There is none. Only [`find_in`](TimedOut::find_in) sees one: this error.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        find_in::if_sought(self)
    }
}

/// Of kind [`TimedOut`](io::ErrorKind::TimedOut). The timeout stays inside: see [`io::Error::get_ref`] and
/// [`TimedOut::find_in`].
impl From<TimedOut> for io::Error {
    fn from(timed_out: TimedOut) -> Self {
        Self::new(io::ErrorKind::TimedOut, timed_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Instant, Left};

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
        assert!(rejected(HalfOpenFull, None).ends_with("retry later"));
        assert!(rejected(ForcedOpen, None).ends_with("until it is reset"));
        assert_eq!(
            rejected(ForcedOpen, Some(Duration::from_secs(12))),
            r#"circuit "billing" is forced open for another 12s"#
        );
        assert!(rejected(BulkheadFull, None).ends_with("retry later"));
    }

    fn retry_after_secs(reason: RejectedReason, left: Left) -> u64 {
        Rejected::new(Name::Static("billing"), Refusal { reason, left }).retry_after_secs()
    }

    #[test]
    fn retry_after_secs_is_rounded_up_and_at_least_1() {
        use RejectedReason::{BulkheadFull, ForcedOpen, HalfOpenFull, Open};
        let open = |nanos| retry_after_secs(Open, Left::from_nanos(nanos));
        assert_eq!([0, 1, 999_999_999, 1_000_000_000, 1_000_000_001].map(open), [1, 1, 1, 1, 2]);
        assert_eq!(open(u64::MAX - 1), 18_446_744_074);
        assert_eq!(retry_after_secs(ForcedOpen, Left::from_nanos(12_300_000_000)), 13);
        for reason in [Open, ForcedOpen, HalfOpenFull, BulkheadFull] {
            assert_eq!(retry_after_secs(reason, Left::FOREVER), 1, "nothing is known: {reason}");
        }
    }

    #[test]
    fn an_io_error_says_whether_the_circuit_is_open_or_busy_and_keeps_the_refusal() {
        use RejectedReason::{BulkheadFull, ForcedOpen, HalfOpenFull, Open};
        for (reason, kind) in [
            (Open, io::ErrorKind::ConnectionRefused),
            (ForcedOpen, io::ErrorKind::ConnectionRefused),
            (HalfOpenFull, io::ErrorKind::ResourceBusy),
            (BulkheadFull, io::ErrorKind::ResourceBusy),
        ] {
            let rejected = Rejected::new(Name::Static("billing"), Refusal::new(reason));
            let error = io::Error::from(rejected.clone());
            assert_eq!((error.kind(), error.to_string()), (kind, rejected.to_string()));
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            assert_eq!(inner, Some(&rejected));
        }
        let timed_out = TimedOut::new(Name::Static("billing"), Duration::from_secs(1));
        let error = io::Error::from(timed_out.clone());
        assert_eq!(
            (error.kind(), error.to_string()),
            (io::ErrorKind::TimedOut, timed_out.to_string())
        );
        assert_eq!(error.get_ref().and_then(|inner| inner.downcast_ref()), Some(&timed_out));
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
