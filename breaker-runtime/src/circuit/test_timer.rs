//! The timer with feature `test-util`: the clock of an isolated test drives it, or tokio does.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::ManualClock;
use super::clock::{Alarm, Source};

/// The timer of a circuit.
#[derive(Debug)]
pub(crate) struct Timer(Option<ManualClock>);

impl Timer {
    pub(crate) fn of(clock: &Source) -> Self {
        Self(clock.driving_timers())
    }

    /// The future's output. An error if it takes longer than `limit`.
    pub(crate) fn within<F: Future>(&self, limit: Duration, future: F) -> Within<F> {
        Within::new(self.0.as_ref(), limit, future)
    }

    /// Blocks the thread on the circuit's clock, and says whether the future was done in time. `None` where that is
    /// done in real time.
    pub(crate) fn block_on<F: Future>(
        &self,
        limit: Duration,
        future: impl FnOnce() -> F,
    ) -> Option<bool> {
        let clock = self.0.as_ref()?;
        Some(block_on(Within::new(Some(clock), limit, future())).is_ok())
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    struct Unparks(Thread);
    impl Wake for Unparks {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unparks(thread::current())));
    let (mut context, mut future) = (Context::from_waker(&waker), pin!(future));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// The limit came before the future's end.
#[derive(Debug)]
pub struct Elapsed(());

pin_project! {
    /// A future with a limit. A struct, not an `async fn`, which would hold the future twice.
    #[project = WithinProjection]
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub enum Within<F> {
        #[doc(hidden)]
        Tokio { #[pin] timeout: tokio::time::Timeout<F>, over_at: Option<tokio::time::Instant> },
        #[doc(hidden)]
        Driven { #[pin] future: F, alarm: Driver, is_begun: bool },
    }
}

/// The alarm of a driven limit.
#[derive(Debug)]
pub struct Driver(Alarm);

impl<F: Future> Within<F> {
    fn new(clock: Option<&ManualClock>, limit: Duration, future: F) -> Self {
        if let Some(clock) = clock {
            let alarm = Driver(clock.alarm(limit));
            return Self::Driven { future, alarm, is_begun: limit.is_zero() };
        }
        let over_at = tokio::time::Instant::now().checked_add(limit);
        // Without any time, the future is polled all the same, as by tokio.
        let over_at = over_at.filter(|_| !limit.is_zero());
        Self::Tokio { timeout: tokio::time::timeout(limit, future), over_at }
    }
}

impl<F: Future> Future for Within<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            WithinProjection::Tokio { timeout, over_at } => {
                // A fault may have delayed the call by all of its time.
                if over_at.take().is_some_and(|over_at| tokio::time::Instant::now() >= over_at) {
                    return Poll::Ready(Err(Elapsed(())));
                }
                timeout.poll(context).map(|result| result.map_err(|_| Elapsed(())))
            }
            WithinProjection::Driven { future, alarm, is_begun } => {
                if !*is_begun && alarm.0.is_due() {
                    return Poll::Ready(Err(Elapsed(())));
                }
                *is_begun = true;
                if let Poll::Ready(output) = future.poll(context) {
                    return Poll::Ready(Ok(output));
                }
                Pin::new(&mut alarm.0).poll(context).map(|()| Err(Elapsed(())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn without_any_time_a_future_is_polled_once_as_on_tokios_clock() {
        for clock in [None, Some(&ManualClock::new())] {
            assert!(matches!(Within::new(clock, Duration::ZERO, ready(7)).await, Ok(7)));
            assert!(Within::new(clock, Duration::ZERO, pending::<()>()).await.is_err());
        }
    }
}
