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
        match self {
            Self::Rejected(_) | Self::TimedOut(_) => None,
            // The message is the error's own, so its cause is the next link of the chain.
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
    use super::*;

    #[test]
    fn it_is_small() {
        assert!(size_of::<CallError<fmt::Error>>() <= 56);
    }
}
