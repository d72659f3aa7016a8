//! `ResponseFuture`: one call, with its permit.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use breaker_runtime::__private::{Entered, HeldPermit};
use breaker_runtime::{CallError, Rejected};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::answer::Answer;
use crate::classify::Classify;
use crate::timing::Timing;

pub(crate) type Wait = Pin<Box<dyn Future<Output = Result<HeldPermit, Rejected>> + Send + Sync>>;

/// A call that the inner service has not seen yet.
pub(crate) struct Unmade<S, Request, T> {
    pub(crate) service: S,
    pub(crate) request: Request,
    pub(crate) timing: T,
}

pin_project! {
    /// The response of a [`CircuitBreakerService`](crate::CircuitBreakerService). It holds the permit of its call.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry};
    /// use breaker_tower::CircuitBreakerLayer;
    /// use tower::{Layer, Service, service_fn};
    ///
    /// let layer = CircuitBreakerLayer::new("reports", Config::new())?;
    /// let mut service = layer.layer(service_fn(|()| async { Ok::<_, String>(()) }));
    /// let reports = registry().get("reports").ok_or("no circuit")?;
    ///
    /// let future = service.call(());
    /// assert_eq!(reports.snapshot().in_flight, 1);
    /// drop(future);
    /// assert_eq!(reports.snapshot().calls.cancelled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Request, C, A, T>
    where
        S: Service<Request>,
        T: Timing<S::Future>,
    {
        #[pin]
        step: Step<S, Request, T>,
        // Behind the step: a call keeps its slot until its future is dropped.
        permit: Option<HeldPermit>,
        classify: C,
        answer: A,
    }

    impl<S, Request, C, A, T> PinnedDrop for ResponseFuture<S, Request, C, A, T>
    where
        S: Service<Request>,
        T: Timing<S::Future>,
    {
        fn drop(this: Pin<&mut Self>) {
            if let Some(permit) = this.project().permit {
                permit.cancel();
            }
        }
    }
}

pin_project! {
    #[project = StepProjection]
    pub(crate) enum Step<S, Request, T>
    where
        S: Service<Request>,
        T: Timing<S::Future>,
    {
        // Boxed, because few calls wait: the others need no room for their request.
        Waiting { wait: Wait, call: Option<Box<Unmade<S, Request, T>>> },
        Running { #[pin] future: T::Future },
        Refused { rejected: Option<Rejected> },
        Done,
    }
}

impl<S, Request, C, A, T> ResponseFuture<S, Request, C, A, T>
where
    S: Service<Request>,
    T: Timing<S::Future>,
{
    #[inline]
    pub(crate) fn new(
        step: Step<S, Request, T>,
        permit: Option<HeldPermit>,
        classify: C,
        answer: A,
    ) -> Self {
        Self { step, permit, classify, answer }
    }

    /// Calls the inner service. If that panics, so did the call.
    #[inline]
    pub(crate) fn admitted(
        entered: Entered<'_>,
        service: &mut S,
        request: Request,
        timing: T,
        classify: C,
        answer: A,
    ) -> Self {
        let future = service.call(request);
        let future = timing.start(future, entered.circuit(), |stated| entered.call_timeout(stated));
        Self::new(Step::Running { future }, Some(entered.hold()), classify, answer)
    }
}

impl<S, Request, C, A, T> Future for ResponseFuture<S, Request, C, A, T>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error>,
    A: Answer<S::Response, S::Error>,
    T: Timing<S::Future>,
{
    type Output = Result<C::Response, A::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let ended = loop {
            match (this.step.as_mut().project(), this.permit.as_mut()) {
                (StepProjection::Running { future }, Some(permit)) => {
                    permit.resume();
                    match future.poll(context) {
                        Poll::Ready(ended) => break ended,
                        Poll::Pending => {
                            permit.suspend();
                            return Poll::Pending;
                        }
                    }
                }
                (StepProjection::Waiting { wait, call }, _) => {
                    let admitted = ready!(wait.as_mut().poll(context));
                    let call = call.take();
                    this.step.set(Step::Done);
                    match (admitted, call) {
                        (Ok(mut permit), Some(call)) => {
                            let Unmade { mut service, request, timing } = *call;
                            permit.resume();
                            let future = service.call(request);
                            let future = {
                                let circuit = permit.circuit();
                                timing.start(future, circuit, |stated| permit.call_timeout(stated))
                            };
                            permit.suspend();
                            *this.permit = Some(permit);
                            this.step.set(Step::Running { future });
                        }
                        (Err(rejected), _) => {
                            this.step.set(Step::Refused { rejected: Some(rejected) });
                        }
                        (Ok(_), None) => {}
                    }
                }
                (StepProjection::Refused { rejected }, _) => {
                    let Some(rejected) = rejected.take() else { return Poll::Pending };
                    let error = CallError::Rejected(rejected);
                    return Poll::Ready(unanswered(this.classify, this.answer, error));
                }
                // Nobody polls a future again that is done.
                _ => return Poll::Pending,
            }
        };
        // Dropped first: that is still a part of the call.
        this.step.set(Step::Done);
        match (ended, this.permit) {
            (Ok(result), permit) => {
                let settled = this.classify.settle(permit, result);
                Poll::Ready(settled.map_err(|error| this.answer.failed(error)))
            }
            (Err(limit), Some(permit)) => {
                let error = CallError::TimedOut(permit.time_out(limit));
                Poll::Ready(unanswered(this.classify, this.answer, error))
            }
            (Err(_), None) => Poll::Pending,
        }
    }
}

#[cold]
fn unanswered<Response, E, C, A>(
    classify: &C,
    answer: &A,
    error: CallError<Infallible>,
) -> Result<C::Response, A::Error>
where
    C: Classify<Response, E>,
    A: Answer<Response, E>,
{
    answer.unanswered(error).map(|response| classify.settled(response))
}

impl<S, Request, C, A, T> fmt::Debug for ResponseFuture<S, Request, C, A, T>
where
    S: Service<Request>,
    T: Timing<S::Future>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("permit", &self.permit).finish_non_exhaustive()
    }
}
