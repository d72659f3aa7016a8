//! Streams that run under a permit. Only with feature `stream`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::held_permit::HeldPermit;
use super::on_cancel::OnCancel;
use super::owned_permit::OwnedPermit;
use crate::rules::Outcome;

pin_project! {
    /// A stream that is one call of a circuit: it holds the permit until the stream ends, fails or is dropped. Only
    /// with feature `stream`.
    ///
    /// | what happens | the call counts as |
    /// |---|---|
    /// | an item is a failure | failed, at once; later items pass unwatched |
    /// | an item is ignored | ignored when the stream ends or is dropped, unless an item fails |
    /// | the stream ends | success |
    /// | the stream is dropped early | cancelled, or as [`on_cancel`](GuardedStream::on_cancel) says |
    /// | the stream panics | failed |
    ///
    /// A named type: it adds no box and no allocation. It is `Send`, `Sync` and `Unpin` if the stream and `C` are. It
    /// passes every item on unchanged.
    ///
    /// The call's time, for `slow_call`, is the time from the permit to the end of the call. It includes the time that
    /// the reader takes between items.
    ///
    /// # Cancel safety
    ///
    /// Reading an item with `next()` is as cancel safe as the stream itself. Only dropping the stream ends the call.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config, GuardedStream};
    /// use tokio_stream::{StreamExt, iter};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("rows", Config::new().max_concurrent(4))?);
    /// let rows = iter([Ok(1), Err("connection lost")]);
    ///
    /// let mut rows = GuardedStream::new(circuit.acquire_owned().await?, rows);
    /// assert_eq!(rows.next().await, Some(Ok(1)));
    /// assert_eq!(circuit.snapshot().in_flight, 1);
    /// assert_eq!(rows.next().await, Some(Err("connection lost")));
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok(()) }
    /// ```
    #[must_use = "streams do nothing unless polled"]
    pub struct GuardedStream<S, C> {
        #[pin]
        stream: S,
        classify: C,
        call: Option<Call>,
    }

    impl<S, C> PinnedDrop for GuardedStream<S, C> {
        fn drop(this: Pin<&mut Self>) {
            // Before the stream is dropped: what it does then is not in its time.
            if let Some(call) = this.project().call {
                call.permit.cancel();
            }
        }
    }
}

/// The call of a stream that has not ended.
#[derive(Debug)]
struct Call {
    permit: HeldPermit,
    /// How it ends if no item fails.
    ends: Outcome,
}

impl Call {
    fn new(permit: HeldPermit) -> Self {
        Self { permit, ends: Outcome::Success }
    }

    /// Notes an item. Returns the call's outcome if that is known now.
    fn note(&mut self, item: Outcome) -> Option<Outcome> {
        if item == Outcome::Ignored {
            self.ends = item;
            self.permit.ignore_if_dropped();
        }
        (item == Outcome::Failure).then_some(item)
    }
}

impl<S, T, E> GuardedStream<S, fn(&Result<T, E>) -> Outcome>
where
    S: Stream<Item = Result<T, E>>,
{
    /// Guards a stream whose items are failures if they are an `Err`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config, GuardedStream};
    /// use tokio_stream::{StreamExt, iter};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("rows", Config::new())?);
    /// let rows = iter([Ok(1), Ok(2), Err("connection lost")]);
    /// let rows = GuardedStream::new(circuit.try_acquire_owned()?, rows);
    /// assert_eq!(rows.collect::<Vec<_>>().await.len(), 3);
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok(()) }
    /// ```
    pub fn new(permit: OwnedPermit, stream: S) -> Self {
        Self::classified(permit, stream, |item| match item {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        })
    }
}

impl<S: Stream, C: FnMut(&S::Item) -> Outcome> GuardedStream<S, C> {
    /// Guards a stream of any items. `classify` says what each item means for the call. It never runs under a lock. If
    /// it panics, the call failed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config, GuardedStream, Outcome};
    /// use tokio_stream::{StreamExt, iter};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("sensor", Config::new())?);
    /// let broken = |celsius: &i32| if *celsius > 1_000 { Outcome::Failure } else { Outcome::Success };
    /// let readings = GuardedStream::classified(circuit.try_acquire_owned()?, iter([21, 22, 9_999]), broken);
    /// assert_eq!(readings.collect::<Vec<_>>().await, [21, 22, 9_999]);
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok(()) }
    /// ```
    pub fn classified(permit: OwnedPermit, stream: S, classify: C) -> Self {
        Self { stream, classify, call: Some(Call::new(HeldPermit::of(permit, OnCancel::Ignore))) }
    }

    /// A stream that gets its permit later.
    pub(crate) fn without_permit(stream: S, classify: C) -> Self {
        Self { stream, classify, call: None }
    }
}

impl<S, C> GuardedStream<S, C> {
    /// What the call counts as if the stream is dropped early, after it was polled. By default it is cancelled. The
    /// time of [`OnCancel::FailureAfter`] starts now.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config, GuardedStream, OnCancel};
    /// use tokio_stream::{StreamExt, iter};
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("rows", Config::new())?);
    /// let rows = iter([Ok::<_, String>(1), Ok(2)]);
    /// let mut rows = GuardedStream::new(circuit.try_acquire_owned()?, rows).on_cancel(OnCancel::Failure);
    /// assert_eq!(rows.next().await, Some(Ok(1)));
    /// drop(rows);
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok(()) }
    /// ```
    pub fn on_cancel(mut self, on_cancel: OnCancel) -> Self {
        // An ignored item has said already what a drop means.
        if let Some(call) = self.call.as_mut().filter(|call| call.ends != Outcome::Ignored) {
            call.permit.on_cancel(on_cancel);
        }
        self
    }

    /// Gives it the permit that it was made without.
    pub(crate) fn admit(self: Pin<&mut Self>, permit: OwnedPermit, on_cancel: OnCancel) {
        *self.project().call = Some(Call::new(HeldPermit::of(permit, on_cancel)));
    }

    /// What `classify` says of an item.
    pub(crate) fn outcome<T>(self: Pin<&mut Self>, item: &T) -> Outcome
    where
        C: FnMut(&T) -> Outcome,
    {
        (self.project().classify)(item)
    }
}

impl<S: Stream, C: FnMut(&S::Item) -> Outcome> Stream for GuardedStream<S, C> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let Some(call) = this.call else { return this.stream.poll_next(context) };
        call.permit.resume();
        let polled = this.stream.poll_next(context);
        let outcome = match &polled {
            Poll::Ready(Some(item)) => call.note((this.classify)(item)),
            Poll::Ready(None) => Some(call.ends),
            Poll::Pending => None,
        };
        match outcome {
            None => call.permit.suspend(),
            Some(outcome) => {
                call.permit.record(outcome);
                *this.call = None;
            }
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S: fmt::Debug, C> fmt::Debug for GuardedStream<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedStream")
            .field("stream", &self.stream)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Waker;
    use std::time::Duration;

    use tokio_stream::{iter, pending};

    use super::*;
    use crate::circuit::{CircuitBreaker, Clock, ManualClock};
    use crate::settings::Config;

    const SECOND: Duration = Duration::from_secs(1);
    const NANO: Duration = Duration::from_nanos(1);

    fn circuit() -> (Arc<CircuitBreaker>, ManualClock) {
        let time = ManualClock::new();
        let clock = Clock::Manual(time.clone());
        let circuit = CircuitBreaker::with_clock("stream", Config::new(), clock).unwrap();
        (Arc::new(circuit), time)
    }

    fn poll<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
        Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    /// Polls a stream that never yields, lets time pass and drops it; whether it failed.
    fn dropped(on_cancel: OnCancel, ran: Duration) -> bool {
        let (circuit, time) = circuit();
        let permit = circuit.try_acquire_owned().unwrap();
        let mut stream =
            GuardedStream::new(permit, pending::<Result<(), ()>>()).on_cancel(on_cancel);
        assert!(poll(&mut stream).is_pending());
        time.advance(ran);
        drop(stream);
        let calls = circuit.snapshot().calls;
        assert_eq!((calls.started, calls.failure + calls.cancelled, calls.panicked), (1, 1, 0));
        calls.failure == 1
    }

    #[test]
    fn r29_a_dropped_stream_fails_as_on_cancel_says() {
        use OnCancel::{Failure, FailureAfter, Ignore};
        for (on_cancel, ran, fails) in [
            (Ignore, Duration::MAX, false),
            (Failure, Duration::ZERO, true),
            (FailureAfter(SECOND), SECOND, false),
            (FailureAfter(SECOND), SECOND + NANO, true),
            (FailureAfter(Duration::ZERO), Duration::ZERO, true),
            (FailureAfter(Duration::MAX), Duration::MAX, false),
        ] {
            assert_eq!(dropped(on_cancel, ran), fails, "{on_cancel:?}, {ran:?}");
        }
    }

    #[test]
    fn a_stream_that_was_never_polled_cancels_its_call() {
        let (circuit, time) = circuit();
        let permit = circuit.try_acquire_owned().unwrap();
        let stream = GuardedStream::new(permit, pending::<Result<(), ()>>())
            .on_cancel(OnCancel::FailureAfter(SECOND));
        time.advance(SECOND * 2);
        drop(stream);
        assert_eq!(circuit.snapshot().calls.cancelled, 1);
    }

    #[test]
    fn on_cancel_counts_from_the_moment_it_is_stated() {
        for (item, calls) in [(Outcome::Success, [1, 0]), (Outcome::Ignored, [0, 1])] {
            let (circuit, _) = circuit();
            let permit = circuit.try_acquire_owned().unwrap();
            let mut stream = GuardedStream::classified(permit, iter([item, item]), |item| *item);
            assert!(poll(&mut stream).is_ready());
            drop(stream.on_cancel(OnCancel::Failure));
            let counted = circuit.snapshot().calls;
            assert_eq!([counted.failure, counted.ignored], calls, "{item:?}");
        }
    }

    #[test]
    fn the_worst_item_decides() {
        use Outcome::{Failure, Ignored, Success};
        for (items, calls) in [
            (vec![], [1, 0, 0]),
            (vec![Success, Success], [1, 0, 0]),
            (vec![Ignored, Success], [0, 0, 1]),
            (vec![Ignored, Failure, Ignored], [0, 1, 0]),
            (vec![Failure, Failure], [0, 1, 0]),
        ] {
            let (circuit, _) = circuit();
            let permit = circuit.try_acquire_owned().unwrap();
            let mut stream = GuardedStream::classified(permit, iter(items.clone()), |item| *item);
            for item in &items {
                assert_eq!(poll(&mut stream), Poll::Ready(Some(*item)));
            }
            assert_eq!(poll(&mut stream), Poll::Ready(None));
            let counted = circuit.snapshot().calls;
            assert_eq!([counted.success, counted.failure, counted.ignored], calls, "{items:?}");
        }
    }

    #[test]
    fn a_stream_that_is_dropped_after_an_ignored_item_is_ignored() {
        for on_cancel in [OnCancel::Ignore, OnCancel::Failure, OnCancel::FailureAfter(SECOND)] {
            let (circuit, time) = circuit();
            let permit = circuit.try_acquire_owned().unwrap();
            let items = iter([Outcome::Ignored, Outcome::Success]);
            let mut stream =
                GuardedStream::classified(permit, items, |item| *item).on_cancel(on_cancel);
            assert!(poll(&mut stream).is_ready());
            time.advance(SECOND * 2);
            drop(stream);
            assert_eq!(circuit.snapshot().calls.ignored, 1, "{on_cancel:?}");
        }
    }
}
