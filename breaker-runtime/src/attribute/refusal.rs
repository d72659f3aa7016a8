//! Turning a refusal or a timeout into a value of the function's return type.

use std::convert::Infallible;

use crate::circuit::{CallError, Rejected, TimedOut};

/// A return type that can represent a refused call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold a refusal",
    label = "neither a `Result` nor an `Option`",
    note = "give a `fallback`, or return a `Result` whose error implements `From<breaker_runtime::Rejected>`",
    note = "if it is a future, write `async fn`, or return `impl Future<Output = ..>` or `Pin<Box<dyn Future<Output = ..>>>`"
)]
pub trait Refusable {
    /// The type that holds the reason.
    type Error;

    /// The return value of a call without a result.
    fn refused(error: Self::Error) -> Self;
}

impl<T, E> Refusable for Result<T, E> {
    type Error = E;

    fn refused(error: E) -> Self {
        Err(error)
    }
}

impl<T> Refusable for Option<T> {
    type Error = CallError<Infallible>;

    fn refused(_: CallError<Infallible>) -> Self {
        None
    }
}

/// An error type that a refusal converts into.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold a refusal",
    label = "does not implement `From<breaker_runtime::Rejected>`",
    note = "if the type is yours, implement `From<breaker_runtime::Rejected>` for it",
    note = "if it is of another crate, return an error type of your own, or make one with a fallback: \
            `fallback_on = rejected, fallback = |refused| Err(..)`"
)]
pub trait HoldsRejected {
    /// The conversion.
    fn hold(rejected: Rejected) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<Rejected>> HoldsRejected for E {
    fn hold(rejected: Rejected) -> Self {
        Self::from(rejected)
    }
}

/// An error type that a timeout converts into.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold a timeout",
    label = "does not implement `From<breaker_runtime::TimedOut>`",
    note = "if the type is yours, implement `From<breaker_runtime::TimedOut>` for it",
    note = "if it is of another crate, return an error type of your own, or make one with a fallback: `fallback = |error| Err(..)`"
)]
pub trait HoldsTimedOut {
    /// The conversion.
    fn hold(timed_out: TimedOut) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<TimedOut>> HoldsTimedOut for E {
    fn hold(timed_out: TimedOut) -> Self {
        Self::from(timed_out)
    }
}
