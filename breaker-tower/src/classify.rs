//! How a result counts.

use breaker_runtime::__private::HeldPermit;
use breaker_runtime::Outcome;

/// Decides how a result counts: any `Fn(&Result<Response, Error>) -> Outcome`, or a ready-made one of
/// [`http`](crate::http) or [`grpc`](crate::grpc).
///
/// # Examples
///
/// ```
/// use std::io;
/// use breaker_runtime::{Config, Outcome};
/// use breaker_tower::CircuitBreakerLayer;
///
/// fn ignore_invalid_input<T>(result: &io::Result<T>) -> Outcome {
///     match result {
///         Ok(_) => Outcome::Success,
///         Err(error) if error.kind() == io::ErrorKind::InvalidInput => Outcome::Ignored,
///         Err(_) => Outcome::Failure,
///     }
/// }
///
/// let layer = CircuitBreakerLayer::new("disk", Config::new())?.classify(ignore_invalid_input::<u64>);
/// # let _ = layer;
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` classifies no `Result<{Response}, {Error}>`",
    label = "expected a function from `&Result<{Response}, {Error}>` to `Outcome`",
    note = "a closure states the type of its argument: `|result: &Result<{Response}, {Error}>| ..`"
)]
pub trait Classify<Response, Error> {
    /// The response of the service.
    type Response;

    /// Records the outcome, or has the response take the permit.
    #[doc(hidden)]
    fn settle(
        &self,
        permit: &mut Option<HeldPermit>,
        result: Result<Response, Error>,
    ) -> Result<Self::Response, Error>;

    /// A response that holds no permit.
    #[doc(hidden)]
    fn settled(&self, response: Response) -> Self::Response;
}

impl<Response, Error, F> Classify<Response, Error> for F
where
    F: Fn(&Result<Response, Error>) -> Outcome,
{
    type Response = Response;

    #[inline]
    fn settle(
        &self,
        permit: &mut Option<HeldPermit>,
        result: Result<Response, Error>,
    ) -> Result<Response, Error> {
        let outcome = self(&result);
        record(permit, outcome);
        result
    }

    #[inline]
    fn settled(&self, response: Response) -> Response {
        response
    }
}

/// An `Err` is a failure, an `Ok` is a success: the default.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::parts::{ErrIsFailure, Named};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer: CircuitBreakerLayer<Named, ErrIsFailure> = CircuitBreakerLayer::new("stock", Config::new())?;
/// let service = layer.layer(service_fn(|()| async { Err::<u32, _>("down") }));
/// assert!(service.oneshot(()).await.is_err());
/// assert_eq!(registry().get("stock").ok_or("no circuit")?.snapshot().calls.failure, 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ErrIsFailure;

impl<Response, Error> Classify<Response, Error> for ErrIsFailure {
    type Response = Response;

    #[inline]
    fn settle(
        &self,
        permit: &mut Option<HeldPermit>,
        result: Result<Response, Error>,
    ) -> Result<Response, Error> {
        record(permit, if result.is_ok() { Outcome::Success } else { Outcome::Failure });
        result
    }

    #[inline]
    fn settled(&self, response: Response) -> Response {
        response
    }
}

#[inline]
pub(crate) fn record(permit: &mut Option<HeldPermit>, outcome: Outcome) {
    if let Some(permit) = permit {
        permit.record(outcome);
    }
}
