//! The timer without feature `tokio`: it never waits.

use std::future::{self, Future};
use std::time::Duration;

use super::clock::Source;

/// Nothing: there is no clock to wake anybody.
#[derive(Debug)]
pub(crate) struct Timer;

impl Timer {
    pub(crate) fn of(_: &Source) -> Self {
        Self
    }

    pub(crate) async fn within<F: Future>(&self, _: Duration, _: F) -> Option<F::Output> {
        future::ready(None).await
    }

    #[expect(clippy::unused_self, reason = "there is a timer with feature `test-util`")]
    pub(crate) fn block_on<F: Future>(&self, _: Duration, _: impl FnOnce() -> F) -> Option<bool> {
        None
    }
}
