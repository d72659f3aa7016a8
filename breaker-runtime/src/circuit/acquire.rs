//! Acquiring a permit with a wait for the bulkhead: as a future, or blocking the thread.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::CircuitBreaker;
use super::bulkhead::Bulkhead;
use super::error::Rejected;
use super::owned_permit::OwnedPermit;
use super::permit::{IfDropped, Permit};
use super::timer::Elapsed;

type Line<'a> = Pin<Box<dyn Future<Output = Result<(), Elapsed>> + Send + Sync + 'a>>;

/// Resolves to a permit, perhaps after a wait in the bulkhead's line. Nothing happens before the first poll. A call
/// that is dropped while it waits has never started.
///
/// A struct, not an `async fn`: most calls never wait and should not carry the state of waiting.
#[must_use = "futures do nothing unless polled"]
pub struct Acquire<'a> {
    circuit: &'a CircuitBreaker,
    line: Option<Line<'a>>,
}

impl<'a> Acquire<'a> {
    pub(crate) fn new(circuit: &'a CircuitBreaker) -> Self {
        Self { circuit, line: None }
    }

    #[cold]
    #[inline(never)]
    fn poll_behind(
        &mut self,
        bulkhead: &'a Bulkhead,
        context: &mut Context<'_>,
    ) -> Poll<Result<Permit<'a>, Rejected>> {
        let circuit = self.circuit;
        let line = match &mut self.line {
            Some(line) => line,
            none => {
                if let Some(admitted) = circuit.admit_behind_at_once(bulkhead) {
                    return Poll::Ready(admitted);
                }
                let line = bulkhead.timer().within(bulkhead.max_wait(), bulkhead.stand_in_line());
                none.insert(Box::pin(line))
            }
        };
        let entered = ready!(line.as_mut().poll(context)).is_ok();
        circuit.look_after_wait();
        Poll::Ready(circuit.admit_behind(bulkhead, entered, IfDropped::Panicked))
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<Permit<'a>, Rejected>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let circuit = self.circuit;
        match circuit.bulkhead() {
            None => Poll::Ready(circuit.acquire_slowly(Bulkhead::try_enter, IfDropped::Panicked)),
            Some(bulkhead) => self.poll_behind(bulkhead, context),
        }
    }
}

impl fmt::Debug for Acquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("circuit", &self.circuit).finish_non_exhaustive()
    }
}

/// Stands here because it is what waits. `try_acquire`, which never does, stands with the type.
impl CircuitBreaker {
    /// Acquires a permit for one call. If the circuit has `max_concurrent` and no slot is free, it waits for one, for
    /// up to `max_wait`, in the order of arrival.
    ///
    /// The permit's time starts when it is given: the wait is not time of the call.
    ///
    /// To wait, it needs the feature `tokio`, and a tokio runtime with time enabled. Without the feature it refuses
    /// instead.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the circuit refuses, before the wait or after it.
    ///
    /// # Panics
    ///
    /// If it has to wait, and there is no tokio runtime with time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future while it waits leaves the line: the call never started, and nothing is recorded. A slot that
    /// it was already given goes to the next in line. So you can use it in `select!`; if you do so in a loop, each
    /// round joins the line at its end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let config = Config::new().max_concurrent(1).max_wait(Duration::from_secs(60));
    /// let circuit = CircuitBreaker::new("reports", config)?;
    /// let first = circuit.acquire().await?;
    /// let (second, ()) = tokio::join!(circuit.acquire(), async { first.success() });
    /// second?.success();
    /// assert_eq!(circuit.snapshot().calls.success, 2);
    /// # Ok(()) }
    /// # #[cfg(not(feature = "tokio"))] fn main() {}
    /// ```
    pub async fn acquire(&self) -> Result<Permit<'_>, Rejected> {
        let mut permit = Acquire::new(self).await?;
        permit.if_dropped(IfDropped::bare());
        Ok(permit)
    }

    /// Like [`acquire`](CircuitBreaker::acquire), but the permit keeps the circuit alive instead of borrowing it.
    ///
    /// # Errors
    ///
    /// As [`acquire`](CircuitBreaker::acquire).
    ///
    /// # Panics
    ///
    /// As [`acquire`](CircuitBreaker::acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](CircuitBreaker::acquire).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("reports", Config::new().max_concurrent(4))?);
    /// let permit = circuit.acquire_owned().await?;
    /// tokio::spawn(async move { permit.success() }).await?;
    /// assert_eq!(circuit.snapshot().calls.success, 1);
    /// # Ok(()) }
    /// ```
    pub async fn acquire_owned(self: &Arc<Self>) -> Result<OwnedPermit, Rejected> {
        let leave = self.acquire().await?.into_leave();
        Ok(OwnedPermit::new(Arc::clone(self), leave))
    }

    /// Like [`acquire`](CircuitBreaker::acquire), but blocks the thread while it waits, in real time. It needs no
    /// feature and no runtime. Don't call it on the threads of an async runtime.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the circuit refuses, before the wait or after it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{thread, time::Duration};
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let config = Config::new().max_concurrent(1).max_wait(Duration::from_secs(60));
    /// let circuit = CircuitBreaker::new("reports", config)?;
    /// let first = circuit.acquire_blocking()?;
    /// thread::scope(|scope| {
    ///     let second = scope.spawn(|| circuit.acquire_blocking().map(|permit| permit.success()));
    ///     first.success();
    ///     second.join().unwrap()
    /// })?;
    /// assert_eq!(circuit.snapshot().calls.success, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acquire_blocking(&self) -> Result<Permit<'_>, Rejected> {
        self.let_in(Bulkhead::enter_blocking, IfDropped::bare())
    }
}
