//! A whole call of an `async fn` that needs no fallback, as one future: it is admitted, runs, and is settled.

use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{Faults, Kind, Leads, enter_async, enter_at_once};
use crate::circuit::{Acquire, Permit, Rejected, Suspended};

pin_project! {
    /// The call. One future in place of three that follow each other: so the compiler has less to do, and the future
    /// that awaits it is smaller.
    #[must_use = "futures do nothing unless polled"]
    pub struct Called<'a, X, K, F: Future> {
        // Stands first, so that it is dropped before its permit.
        #[pin]
        body: F,
        stage: Staged<'a>,
        refuse: X,
        kind: K,
        faults: Faults<F::Output>,
    }
}

/// How far a call is.
enum Stage<'a> {
    /// It was not admitted at once.
    Entering(Acquire<'a>),
    Running(Permit<'a>),
    Over,
}

/// A stage whose destructor is one call, and none when the call is over: every function has it several times.
struct Staged<'a>(ManuallyDrop<Stage<'a>>);

impl<'a> Staged<'a> {
    #[inline]
    fn new(stage: Stage<'a>) -> Self {
        Self(ManuallyDrop::new(stage))
    }
}

impl Drop for Staged<'_> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(*self.0, Stage::Over) {
            end(&mut self.0);
        }
    }
}

#[cold]
#[inline(never)]
fn end(stage: &mut Stage<'_>) {
    *stage = Stage::Over;
}

/// Calls `body`, which comes to a value of that kind. `refuse` makes a value of a refusal. Asks for a permit at once.
#[inline]
pub fn call_async<'a, X, K, F>(
    way: impl Leads<'a>,
    refuse: X,
    kind: K,
    faults: Faults<F::Output>,
    body: F,
) -> Called<'a, X, K, F>
where
    X: Fn(Rejected) -> F::Output,
    K: Kind<F::Output>,
    F: Future,
{
    let stage = match enter_at_once(way) {
        Some(admission) => Stage::Running(admission.permit()),
        None => Stage::Entering(enter_async(way)),
    };
    Called { body, stage: Staged::new(stage), refuse, kind, faults }
}

impl<X, K, F> Future for Called<'_, X, K, F>
where
    X: Fn(Rejected) -> F::Output,
    K: Kind<F::Output>,
    F: Future,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Stage::Entering(_) = *this.stage.0
            && let Err(rejected) = ready!(poll_entering(&mut this.stage.0, context))
        {
            return Poll::Ready((this.refuse)(rejected));
        }
        let Stage::Running(permit) = &mut *this.stage.0 else { return Poll::Pending };
        // The value stays where it is: to move it would cost more than to count the call.
        let polled = match this.faults.take(permit) {
            Some(value) => Poll::Ready(value),
            None => permit.run(this.body, Suspended::CANCELS, context),
        };
        if let Poll::Ready(value) = &polled {
            permit.settle_early(this.kind.outcome(value).into());
            // The permit is settled, so there is nothing to drop.
            this.stage.0 = ManuallyDrop::new(Stage::Over);
        }
        polled
    }
}

/// The call runs after this, or is refused.
#[cold]
#[inline(never)]
fn poll_entering(stage: &mut Stage<'_>, context: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
    let Stage::Entering(acquire) = stage else { return Poll::Ready(Ok(())) };
    let entered = ready!(Pin::new(acquire).poll(context));
    Poll::Ready(entered.map(|permit| *stage = Stage::Running(permit)))
}

impl<X, K, F: Future> fmt::Debug for Called<'_, X, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Called").finish_non_exhaustive()
    }
}
