//! `OnCancel`: what dropping the future of a call means.

use std::fmt;
use std::time::Duration;

use breaker_options::exact;

use super::breaker::CircuitBreaker;
use crate::rules::{Ending, Instant};

/// What a future counts as if it is dropped before it is done: the option `on_cancel`.
///
/// The default is [`Ignore`](OnCancel::Ignore), because callers may give up for reasons of their own. If they give up
/// because the dependency hangs, that hides the problem. [`FailureAfter`](OnCancel::FailureAfter) distinguishes the two
/// by time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::OnCancel;
///
/// /// What `on_cancel` should be for callers that wait this long.
/// fn for_callers_that_wait(patience: Duration) -> OnCancel {
///     OnCancel::FailureAfter(patience / 2)
/// }
/// let on_cancel = for_callers_that_wait(Duration::from_millis(160));
/// assert_eq!(on_cancel, OnCancel::FailureAfter(Duration::from_millis(80)));
/// assert_eq!(on_cancel.to_string(), r#"failure_after("80ms")"#);
/// assert_eq!(OnCancel::default(), OnCancel::Ignore);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCancel {
    /// The call is cancelled and counts neither as a success nor as a failure.
    #[default]
    Ignore,
    /// A failure.
    Failure,
    /// A failure if the call ran for longer than this, cancelled otherwise. The time starts when the call is
    /// admitted, after any wait for a slot of `max_concurrent`. With zero, every dropped future is a failure.
    FailureAfter(Duration),
}

/// As in the attribute: `ignore`, `failure`, `failure_after("80ms")`.
impl fmt::Display for OnCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignore => f.pad("ignore"),
            Self::Failure => f.pad("failure"),
            Self::FailureAfter(limit) => write!(f, "failure_after(\"{}\")", exact(*limit)),
        }
    }
}

impl OnCancel {
    /// What a drop means, and when it becomes a failure. The time starts now.
    #[inline]
    pub(super) fn means(self, circuit: &CircuitBreaker) -> (Ending, Instant) {
        match self {
            Self::Ignore => (Ending::Cancelled, Instant::NEVER),
            Self::Failure => (Ending::Failure, Instant::NEVER),
            Self::FailureAfter(limit) if limit.is_zero() => (Ending::Failure, Instant::NEVER),
            Self::FailureAfter(limit) => (Ending::Cancelled, circuit.precise_now().after(limit)),
        }
    }
}
