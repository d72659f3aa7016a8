//! What a call waits for that a test delays, on tokio's clock.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// The wait of a call. In a box, so that it takes little room in a permit.
#[derive(Debug, Default)]
pub(super) struct Delay(Option<Pin<Box<Sleep>>>);

impl Delay {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn of(delay: Duration) -> Self {
        Self(Some(Box::pin(sleep(delay))))
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.0 {
            std::task::ready!(sleep.as_mut().poll(context));
            self.0 = None;
        }
        Poll::Ready(())
    }
}
