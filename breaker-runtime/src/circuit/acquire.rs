//! Acquiring a permit as a future, which may wait for the bulkhead.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::CircuitBreaker;
use super::bulkhead::Bulkhead;
use super::error::Rejected;
use super::permit::{IfDropped, Permit};

type Line<'a> = Pin<Box<dyn Future<Output = Option<()>> + Send + Sync + 'a>>;

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
        let entered = ready!(line.as_mut().poll(context)).is_some();
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
