//! The timer without feature `tokio`: it never waits.

use std::future::{Future, Ready, ready};
use std::time::Duration;

use super::clock::Source;

/// There is no time to wait.
#[derive(Debug)]
pub(crate) struct Elapsed;

/// Nothing: there is no clock to wake anybody.
#[derive(Debug)]
pub(crate) struct Timer;

impl Timer {
    pub(crate) fn of(_: &Source) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "there is a timer with feature `tokio`")]
    pub(crate) fn within<F: Future>(&self, _: Duration, _: F) -> Ready<Result<F::Output, Elapsed>> {
        ready(Err(Elapsed))
    }

    #[expect(clippy::unused_self, reason = "there is a timer with feature `test-util`")]
    pub(crate) fn block_on<F: Future>(&self, _: Duration, _: impl FnOnce() -> F) -> Option<bool> {
        None
    }
}
