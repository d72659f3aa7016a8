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
///
/// # Examples
///
/// ```
/// # use std::sync::Arc;
/// # use breaker_runtime::{CircuitBreaker, Config};
/// use breaker_tower::parts::{Answer, ErrIsFailure, OneCircuit};
/// use breaker_tower::{CircuitBreakerLayer, CircuitBreakerService};
/// use tower::{Layer, Service, ServiceExt, service_fn};
///
/// /// Takes a guarded service, whatever its callers get for a refused call.
/// async fn stock<S, A>(service: CircuitBreakerService<S, OneCircuit, ErrIsFailure, A>) -> Option<u32>
/// where
///     S: Service<(), Response = u32> + Clone,
///     A: Answer<u32, S::Error> + Clone,
/// {
///     service.oneshot(()).await.ok()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
/// # let circuit = Arc::new(CircuitBreaker::new("stock", Config::new())?);
/// let layer = CircuitBreakerLayer::with_circuit(circuit).into_box_error();
/// let service = layer.layer(service_fn(|()| async { Ok::<_, std::io::Error>(7) }));
/// assert_eq!(stock(service).await, Some(7));
/// # Ok(()) }
/// ```
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
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CallError, Config, registry};
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::parts::{CallErrors, ErrIsFailure, Named};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer: CircuitBreakerLayer<Named, ErrIsFailure, CallErrors> =
///     CircuitBreakerLayer::new("stock", Config::new())?;
/// registry().get("stock").ok_or("no circuit")?.force_open();
/// let service = layer.layer(service_fn(|()| async { Ok::<_, String>(7) }));
/// assert!(matches!(service.oneshot(()).await, Err(CallError::Rejected(_))));
/// # Ok(()) }
/// ```
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
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, Rejected, registry};
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::parts::{BoxErrors, ErrIsFailure, Named};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer: CircuitBreakerLayer<Named, ErrIsFailure, BoxErrors> =
///     CircuitBreakerLayer::new("stock", Config::new())?.into_box_error();
/// registry().get("stock").ok_or("no circuit")?.force_open();
/// let service = layer.layer(service_fn(|()| async { Ok::<_, String>(7) }));
/// assert!(service.oneshot(()).await.unwrap_err().is::<Rejected>());
/// # Ok(()) }
/// ```
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
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
/// use breaker_runtime::{CallError, Config, registry};
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::parts::{ErrIsFailure, Named, Responds};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// type Refuse = fn(CallError<Infallible>) -> u32;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let none: Refuse = |_| 0;
/// let layer: CircuitBreakerLayer<Named, ErrIsFailure, Responds<Refuse>> =
///     CircuitBreakerLayer::new("stock", Config::new())?.respond(none);
/// registry().get("stock").ok_or("no circuit")?.force_open();
/// let service = layer.layer(service_fn(|()| async { Ok::<_, std::io::Error>(7) }));
/// assert_eq!(service.oneshot(()).await?, 0);
/// # Ok(()) }
/// ```
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
