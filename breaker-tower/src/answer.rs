//! What a caller gets for a call that failed, was refused or timed out.

use std::convert::Infallible;
use std::error::Error;

use breaker_runtime::CallError;

/// An error of any type, as tower's own middleware returns it.
///
/// # Examples
///
/// ```
/// use breaker_runtime::Rejected;
/// use breaker_tower::BoxError;
///
/// fn is_refusal(error: &BoxError) -> bool {
///     error.is::<Rejected>()
/// }
/// # assert!(!is_refusal(&"down".into()));
/// ```
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Turns an error of a call into the service's response or error.
pub trait Answer<Response, E> {
    /// The error of the service.
    type Error;

    /// The error for one of the inner service.
    #[doc(hidden)]
    fn failed(&self, error: E) -> Self::Error;

    /// The result of a call that was refused or timed out.
    #[doc(hidden)]
    fn unanswered(&self, error: CallError<Infallible>) -> Result<Response, Self::Error>;
}

/// The error is a [`CallError`].
#[derive(Clone, Copy, Debug)]
pub struct CallErrors;

impl<Response, E> Answer<Response, E> for CallErrors {
    type Error = CallError<E>;

    #[inline]
    fn failed(&self, error: E) -> CallError<E> {
        CallError::Failed(error)
    }

    fn unanswered(&self, error: CallError<Infallible>) -> Result<Response, CallError<E>> {
        Err(match error {
            CallError::Rejected(rejected) => CallError::Rejected(rejected),
            CallError::TimedOut(timed_out) => CallError::TimedOut(timed_out),
        })
    }
}

/// The error is a [`BoxError`]: see [`into_box_error`](crate::CircuitBreakerLayer::into_box_error).
#[derive(Clone, Copy, Debug)]
pub struct BoxErrors;

impl<Response, E: Into<BoxError>> Answer<Response, E> for BoxErrors {
    type Error = BoxError;

    fn failed(&self, error: E) -> BoxError {
        error.into()
    }

    fn unanswered(&self, error: CallError<Infallible>) -> Result<Response, BoxError> {
        Err(match error {
            CallError::Rejected(rejected) => rejected.into(),
            CallError::TimedOut(timed_out) => timed_out.into(),
        })
    }
}

/// A function answers: see [`respond`](crate::CircuitBreakerLayer::respond).
#[derive(Clone, Copy, Debug)]
pub struct Responds<F>(pub(crate) F);

impl<Response, E, F: Fn(CallError<Infallible>) -> Response> Answer<Response, E> for Responds<F> {
    type Error = E;

    #[inline]
    fn failed(&self, error: E) -> E {
        error
    }

    fn unanswered(&self, error: CallError<Infallible>) -> Result<Response, E> {
        Ok((self.0)(error))
    }
}
