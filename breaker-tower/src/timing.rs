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
