//! Futures that run under a permit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::circuit::{IfDropped, OnCancel, Permit};
use crate::rules::{Ending, Instant};

pin_project! {
    /// Polls a future and tells its permit what a drop would mean. Dropped while suspended means cancelled. Dropped
    /// during a poll, or after the last one, means that the future panicked.
    ///
    /// A struct, not an `async fn`: a generic `async fn` would hold the future twice.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<'p, 'a, F, S> {
        #[pin]
        future: F,
        permit: &'p mut Permit<'a>,
        if_suspended: S,
    }
}

/// What a future counts as that is dropped while it is suspended.
pub trait IfSuspended {
    /// What it counts as.
    fn means(&self) -> Suspended;
}

/// It is cancelled: what most functions ask for, and known without being kept.
#[derive(Debug)]
pub struct Cancels;

impl IfSuspended for Cancels {
    #[inline]
    fn means(&self) -> Suspended {
        Suspended::CANCELS
    }
}

/// What `on_cancel` comes to.
#[derive(Clone, Copy, Debug)]
pub struct Suspended(Ending);

impl Suspended {
    /// It is cancelled.
    pub(crate) const CANCELS: Self = Self(Ending::Cancelled);
}

impl IfSuspended for Suspended {
    fn means(&self) -> Suspended {
        *self
    }
}

impl<'p, 'a, F> Guarded<'p, 'a, F, Cancels> {
    /// Runs `future` under `permit`, with [`OnCancel::Ignore`].
    #[inline]
    pub fn ignoring(permit: &'p mut Permit<'a>, future: F) -> Self {
        Self { future, permit, if_suspended: Cancels }
    }
}

impl<'p, 'a, F> Guarded<'p, 'a, F, Suspended> {
    /// Runs `future` under `permit`. Until the first poll the permit stays as it is.
    ///
    /// Treats [`OnCancel::FailureAfter`] like [`OnCancel::Ignore`]; [`FailsAfter`] measures the time.
    pub fn new(permit: &'p mut Permit<'a>, on_cancel: OnCancel, future: F) -> Self {
        let if_suspended = match on_cancel {
            OnCancel::Failure => Ending::Failure,
            OnCancel::Ignore | OnCancel::FailureAfter(_) => Ending::Cancelled,
        };
        Self { future, permit, if_suspended: Suspended(if_suspended) }
    }
}

impl<F: Future, S: IfSuspended> Future for Guarded<'_, '_, F, S> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.permit.run(this.future, this.if_suspended.means(), context)
    }
}

impl Permit<'_> {
    /// Polls a future that runs under the permit.
    #[inline]
    pub(crate) fn run<F: Future>(
        &mut self,
        future: Pin<&mut F>,
        if_suspended: Suspended,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        self.if_dropped(IfDropped::Panicked);
        let delayed = self.delay_mut().poll(context);
        let polled = if delayed.is_ready() { future.poll(context) } else { Poll::Pending };
        if polled.is_pending() {
            self.if_dropped(IfDropped::Suspended(if_suspended.0));
        }
        polled
    }
}

pin_project! {
    /// A [`Guarded`] future that counts as failed if it is dropped after a time. A separate type, because its
    /// destructor would cost every other call.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct FailsAfter<'p, 'a, F> {
        #[pin]
        guarded: Guarded<'p, 'a, F, Suspended>,
        fails_after: Instant,
    }

    impl<F> PinnedDrop for FailsAfter<'_, '_, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let permit = this.guarded.project().permit;
            if permit.is_suspended() && permit.breaker.precise_now() > *this.fails_after {
                permit.if_dropped(IfDropped::Suspended(Ending::Failure));
            }
        }
    }
}

impl<'p, 'a, F> FailsAfter<'p, 'a, F> {
    /// Runs `future` under `permit`. The time starts now. Works for every `on_cancel`.
    pub fn new(permit: &'p mut Permit<'a>, on_cancel: OnCancel, future: F) -> Self {
        let (if_suspended, fails_after) = on_cancel.means(permit.breaker);
        let guarded = Guarded { future, permit, if_suspended: Suspended(if_suspended) };
        Self { guarded, fails_after }
    }
}

impl<F: Future> Future for FailsAfter<'_, '_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.project().guarded.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::Waker;
    use std::time::Duration;

    use super::*;
    use crate::circuit::{CircuitBreaker, Clock, ManualClock};
    use crate::settings::Config;

    const SECOND: Duration = Duration::from_secs(1);
    const NANO: Duration = Duration::from_nanos(1);

    fn circuit() -> (CircuitBreaker, ManualClock) {
        let time = ManualClock::new();
        let clock = Clock::Manual(time.clone());
        (CircuitBreaker::with_clock("guarded", Config::new(), clock).unwrap(), time)
    }

    /// Polls `future` under a permit, lets it run and drops it; whether it failed.
    fn dropped<F: Future>(on_cancel: OnCancel, ran: Duration, future: F) -> bool {
        let (circuit, time) = circuit();
        let mut permit = circuit.try_acquire().unwrap();
        let mut guarded = Box::pin(FailsAfter::new(&mut permit, on_cancel, future));
        assert!(guarded.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        time.advance(ran);
        drop(guarded);
        drop(permit);
        let calls = circuit.snapshot().calls;
        assert_eq!((calls.started, calls.failure + calls.cancelled, calls.panicked), (1, 1, 0));
        calls.failure == 1
    }

    #[test]
    fn r29_a_dropped_future_fails_as_on_cancel_says() {
        use OnCancel::{Failure, FailureAfter, Ignore};
        for (on_cancel, ran, fails) in [
            (Ignore, Duration::MAX, false),
            (Failure, Duration::ZERO, true),
            (FailureAfter(SECOND), SECOND, false),
            (FailureAfter(SECOND), SECOND + NANO, true),
            (FailureAfter(Duration::ZERO), Duration::ZERO, true),
            (FailureAfter(Duration::MAX), Duration::MAX, false),
        ] {
            assert_eq!(dropped(on_cancel, ran, pending::<()>()), fails, "{on_cancel:?}, {ran:?}");
        }
    }

    #[test]
    fn r29_what_the_future_does_when_it_is_dropped_is_not_in_its_time() {
        struct Lingers(ManualClock);
        impl Drop for Lingers {
            fn drop(&mut self) {
                self.0.advance(SECOND * 9);
            }
        }
        let (circuit, time) = circuit();
        let lingers = Lingers(time.clone());
        let mut permit = circuit.try_acquire().unwrap();
        let future = async move {
            let _lingers = lingers;
            pending::<()>().await;
        };
        let mut guarded =
            Box::pin(FailsAfter::new(&mut permit, OnCancel::FailureAfter(SECOND), future));
        assert!(guarded.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(guarded);
        drop(permit);
        assert_eq!(circuit.snapshot().calls.cancelled, 1);
    }

    #[test]
    fn r29_a_future_that_was_never_polled_leaves_its_permit_as_it_was() {
        let (circuit, time) = circuit();
        let mut permit = circuit.try_acquire().unwrap();
        let guarded = FailsAfter::new(&mut permit, OnCancel::FailureAfter(SECOND), pending::<()>());
        time.advance(SECOND * 2);
        drop(guarded);
        permit.success();
        assert_eq!(circuit.snapshot().calls.success, 1);
    }

    #[test]
    fn a_guarded_future_has_room_for_one_number_beside_its_permit() {
        assert_eq!(size_of::<Guarded<'_, '_, (), Cancels>>(), size_of::<&Permit<'_>>());
        assert_eq!(size_of::<Guarded<'_, '_, (), Suspended>>(), size_of::<(&Permit<'_>, u64)>());
    }
}
