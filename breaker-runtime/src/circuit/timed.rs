//! Calls with a time limit. Only with feature `tokio`, which has the timer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::breaker::CircuitBreaker;
use super::call_error::CallError;
use super::guard::Guard;
use super::guarded::FailsAfter;
use super::permit::Permit;
use super::timer::{Timer, Within};

impl Permit<'_> {
    /// Limits the time of the call. Settings from outside the code may have another limit than is stated.
    pub(crate) fn within<F: Future>(&self, stated: Duration, future: F) -> Within<F> {
        self.breaker.limit(self.call_timeout(stated).unwrap_or(Duration::MAX), future)
    }
}

impl CircuitBreaker {
    /// Limits the time of a future, on the circuit's clock.
    pub(crate) fn limit<F: Future>(&self, limit: Duration, future: F) -> Within<F> {
        Timer::of(self.clock()).within(limit, future)
    }
}

impl<'a, T, E, F, I, L, O, W> Guard<'a, T, E, F, I, L, O, W> {
    /// How long the call may take. One that takes longer is dropped, and counts as a failure. Needs the feature
    /// `tokio`.
    ///
    /// The time starts when the future is made, after a wait for a slot. It is measured on tokio's clock, including
    /// paused time. A future that never awaits cannot be stopped.
    ///
    /// If settings from outside the code, such as a file, state `call_timeout` for the circuit, that limit holds. They
    /// can also switch it off. They give no limit to a call that states none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::pending, time::Duration};
    /// use breaker_runtime::{CallError, CircuitBreaker, Config};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
    /// let circuit = CircuitBreaker::new("quotes", Config::new())?;
    /// let guard = circuit.guard().call_timeout(Duration::from_millis(20));
    /// let late = guard.call_async(|| pending::<Result<u32, String>>()).await;
    /// assert!(matches!(late, Err(CallError::TimedOut(_))));
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok(()) }
    /// ```
    pub fn call_timeout(self, limit: Duration) -> Guard<'a, T, E, F, I, Duration, O, W> {
        let Self {
            circuit,
            failure_if,
            ignore_if,
            open_for,
            describe_error,
            on_cancel,
            result,
            ..
        } = self;
        Guard { circuit, failure_if, ignore_if, open_for, describe_error, on_cancel, limit, result }
    }
}

impl<T, E, F, I, O, W> Guard<'_, T, E, F, I, Duration, O, W>
where
    F: FnOnce(&Result<T, E>) -> bool,
    I: FnOnce(&E) -> bool,
    O: FnOnce(&E) -> Option<Duration>,
    W: FnOnce(&E) -> Option<Arc<str>>,
{
    /// Runs the future that `f` makes, if the circuit admits the call, until the limit. Nothing happens before the
    /// first poll. If the circuit refuses, `f` is not called. A panic counts as a failure, and continues.
    ///
    /// With `max_concurrent` and `max_wait`, it may wait for a slot, as
    /// [`CircuitBreaker::acquire`](crate::CircuitBreaker::acquire) does.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] if the circuit refused, [`CallError::TimedOut`] if the call took too long,
    /// [`CallError::Failed`] with the error of the future, however it counted.
    ///
    /// # Panics
    ///
    /// If there is no tokio runtime with time enabled. That counts as a failure.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done counts as [`on_cancel`](Guard::on_cancel) says. The call's probe and slot
    /// are freed. If it is dropped before the first poll, or while it waits for a slot, the call never started.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
    /// let circuit = CircuitBreaker::new("quotes", Config::new())?;
    /// let guard = circuit.guard().call_timeout(Duration::from_secs(2));
    /// assert_eq!(guard.call_async(|| async { Ok::<_, String>(42) }).await, Ok(42));
    /// # Ok(()) }
    /// ```
    pub async fn call_async<R>(self, f: impl FnOnce() -> R) -> Result<T, CallError<E>>
    where
        R: Future<Output = Result<T, E>>,
    {
        let mut permit = self.enter().await?;
        let running = permit.within(self.limit, f());
        match FailsAfter::new(&mut permit, self.on_cancel, running).await {
            Ok(result) => self.settle(permit, result),
            Err(_) => Err(permit.time_out(self.limit).into()),
        }
    }
}
