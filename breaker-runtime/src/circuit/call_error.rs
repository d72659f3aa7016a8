//! Why a guarded call returned no value: it was refused, timed out, or failed.

use std::error::Error;
use std::fmt;

use super::error::{Rejected, TimedOut};

/// Why a guarded call returned no value. Fallbacks get this.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CallError, CircuitBreaker, Config};
///
/// let circuit = CircuitBreaker::new("billing", Config::new())?;
/// let answer = circuit.call(|| Err::<(), _>("no such account"));
/// assert_eq!(answer, Err(CallError::Failed("no such account")));
///
/// circuit.force_open();
/// let answer = circuit.call(|| Ok::<_, &str>(()));
/// assert!(matches!(answer, Err(CallError::Rejected(_))));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError<E> {
    /// The call was refused and did not run.
    Rejected(Rejected),
    /// The call did not end within its time limit.
    TimedOut(TimedOut),
    /// The call ran and failed with this error.
    Failed(E),
}

impl<E> CallError<E> {
    /// Whether the call was refused, so it did not run.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("billing", Config::new())?;
    /// assert!(!circuit.call(|| Err::<(), _>("down")).unwrap_err().is_rejected());
    /// circuit.trip();
    /// assert!(circuit.call(|| Err::<(), _>("down")).unwrap_err().is_rejected());
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }

    /// The error of the call itself. `None` if the call was refused or timed out.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("billing", Config::new())?;
    /// let error = circuit.call(|| Err::<(), _>("down")).unwrap_err();
    /// assert_eq!(error.into_failed(), Some("down"));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn into_failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Rejected(_) | Self::TimedOut(_) => None,
        }
    }

    /// Replaces the error of the call itself. Refusals and timeouts stay as they are.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CallError, CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("billing", Config::new())?;
    /// let error = circuit.call(|| Err::<(), _>(503)).unwrap_err();
    /// let error = error.map_failed(|status| format!("status {status}"));
    /// assert_eq!(error, CallError::Failed("status 503".to_owned()));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn map_failed<F>(self, f: impl FnOnce(E) -> F) -> CallError<F> {
        match self {
            Self::Rejected(rejected) => CallError::Rejected(rejected),
            Self::TimedOut(timed_out) => CallError::TimedOut(timed_out),
            Self::Failed(error) => CallError::Failed(f(error)),
        }
    }

    /// One error type for all three: the call's own. This is what an annotated function without a fallback returns.
    ///
    /// [`io::Error`](std::io::Error), `Box<dyn Error>` and `anyhow::Error` have both conversions. Your own type needs
    /// them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::{CallError, CircuitBreaker, Config};
    ///
    /// fn hosts(circuit: &CircuitBreaker) -> io::Result<String> {
    ///     circuit.call(|| std::fs::read_to_string("/etc/hosts")).map_err(CallError::into_error)
    /// }
    ///
    /// let circuit = CircuitBreaker::new("files", Config::new())?;
    /// circuit.trip();
    /// assert_eq!(hosts(&circuit).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn into_error(self) -> E
    where
        E: From<Rejected> + From<TimedOut>,
    {
        match self {
            Self::Rejected(rejected) => rejected.into(),
            Self::TimedOut(timed_out) => timed_out.into(),
            Self::Failed(error) => error,
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::TimedOut(timed_out) => timed_out.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for CallError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The message is the inner error's own, so its cause is the next link of the chain.
        match self {
            Self::Rejected(rejected) => rejected.source(),
            Self::TimedOut(timed_out) => timed_out.source(),
            Self::Failed(error) => error.source(),
        }
    }
}

impl<E> From<Rejected> for CallError<E> {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl<E> From<TimedOut> for CallError<E> {
    fn from(timed_out: TimedOut) -> Self {
        Self::TimedOut(timed_out)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rules::{Refusal, RejectedReason};
    use crate::settings::Name;

    #[derive(Debug, PartialEq)]
    enum Fault {
        Refused(RejectedReason),
        Late(Duration),
        Down,
    }

    impl From<Rejected> for Fault {
        fn from(rejected: Rejected) -> Self {
            Self::Refused(rejected.reason())
        }
    }

    impl From<TimedOut> for Fault {
        fn from(timed_out: TimedOut) -> Self {
            Self::Late(timed_out.after())
        }
    }

    /// One of each kind.
    fn errors<E>(failed: E) -> [CallError<E>; 3] {
        let name = Name::Static("billing");
        let rejected = Rejected::new(name.clone(), Refusal::new(RejectedReason::ForcedOpen));
        [
            rejected.into(),
            TimedOut::new(name, Duration::from_secs(1)).into(),
            CallError::Failed(failed),
        ]
    }

    #[test]
    fn each_kind_becomes_the_calls_own_error() {
        let own = errors(Fault::Down).map(CallError::into_error);
        let refused = Fault::Refused(RejectedReason::ForcedOpen);
        assert_eq!(own, [refused, Fault::Late(Duration::from_secs(1)), Fault::Down]);
    }

    #[test]
    fn only_a_failed_call_has_an_error_of_its_own() {
        assert_eq!(errors(7).map(CallError::into_failed), [None, None, Some(7)]);
        assert_eq!(errors(7).map(|error| error.is_rejected()), [true, false, false]);
        assert_eq!(errors(7).map(|error| error.map_failed(|it| it + 1)), errors(8));
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<CallError<fmt::Error>>() <= 56);
    }
}
