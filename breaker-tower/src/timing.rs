//! Whether a call has a time limit.
//!
//! A type, and not an `Option`: a future without a limit has no room for a timer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use breaker_runtime::__private::{Limited, limited};
use breaker_runtime::CircuitBreaker;
use pin_project_lite::pin_project;

/// Limits the time of a call, or does not.
///
/// # Examples
///
/// ```
/// # use std::sync::Arc;
/// # use std::time::Duration;
/// # use breaker_runtime::{CircuitBreaker, Config};
/// use breaker_tower::parts::{CallErrors, ErrIsFailure, OneCircuit, Timing};
/// use breaker_tower::{CircuitBreakerLayer, CircuitBreakerService};
/// use tower::{Layer, Service, ServiceExt, service_fn};
///
/// /// Takes a guarded service, with or without a time limit.
/// async fn stock<S, T>(
///     service: CircuitBreakerService<S, OneCircuit, ErrIsFailure, CallErrors, T>,
/// ) -> Option<u32>
/// where
///     S: Service<(), Response = u32> + Clone,
///     T: Timing<S::Future>,
/// {
///     service.oneshot(()).await.ok()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
/// # let circuit = Arc::new(CircuitBreaker::new("stock", Config::new())?);
/// let layer = CircuitBreakerLayer::with_circuit(circuit).call_timeout(Duration::from_secs(2));
/// let service = layer.layer(service_fn(|()| async { Ok::<_, String>(7) }));
/// assert_eq!(stock(service).await, Some(7));
/// # Ok(()) }
/// ```
pub trait Timing<F: Future>: Clone {
    /// A future that fails with the limit that it exceeded.
    #[doc(hidden)]
    type Future: Future<Output = Result<F::Output, Duration>>;

    /// Starts the time of a call. `decide` says what limit holds where the code states one.
    #[doc(hidden)]
    fn start(
        self,
        future: F,
        circuit: &CircuitBreaker,
        decide: impl FnOnce(Duration) -> Option<Duration>,
    ) -> Self::Future;
}

/// A call may take any time: the default.
///
/// # Examples
///
/// ```
/// use breaker_runtime::Config;
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::parts::{CallErrors, ErrIsFailure, Named, Untimed};
///
/// let layer: CircuitBreakerLayer<Named, ErrIsFailure, CallErrors, Untimed> =
///     CircuitBreakerLayer::new("stock", Config::new())?;
/// assert!(format!("{layer:?}").contains("Untimed"));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Untimed;

impl<F: Future> Timing<F> for Untimed {
    type Future = UntimedFuture<F>;

    #[inline]
    fn start(
        self,
        future: F,
        _: &CircuitBreaker,
        _: impl FnOnce(Duration) -> Option<Duration>,
    ) -> Self::Future {
        UntimedFuture { future }
    }
}

/// A call has a limit: see [`call_timeout`](crate::CircuitBreakerLayer::call_timeout).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::Config;
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::parts::{CallErrors, ErrIsFailure, Named, Timed};
///
/// let layer: CircuitBreakerLayer<Named, ErrIsFailure, CallErrors, Timed> =
///     CircuitBreakerLayer::new("stock", Config::new())?.call_timeout(Duration::from_secs(2));
/// assert!(format!("{layer:?}").contains("Timed(2s)"));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timed(pub(crate) Duration);

impl<F: Future> Timing<F> for Timed {
    type Future = TimedFuture<F>;

    fn start(
        self,
        future: F,
        circuit: &CircuitBreaker,
        decide: impl FnOnce(Duration) -> Option<Duration>,
    ) -> Self::Future {
        let limit = decide(self.0).unwrap_or(Duration::MAX);
        TimedFuture { future: limited(circuit, limit, future), limit }
    }
}

pin_project! {
    /// A future without a limit.
    #[derive(Debug)]
    pub struct UntimedFuture<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for UntimedFuture<F> {
    type Output = Result<F::Output, Duration>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(context).map(Ok)
    }
}

pin_project! {
    /// A future with a limit.
    pub struct TimedFuture<F> {
        #[pin]
        future: Limited<F>,
        limit: Duration,
    }
}

impl<F: Future> Future for TimedFuture<F> {
    type Output = Result<F::Output, Duration>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.future.poll(context).map(|result| result.map_err(|_| *this.limit))
    }
}

impl<F> fmt::Debug for TimedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedFuture").field("limit", &self.limit).finish_non_exhaustive()
    }
}
