//! Waiting for a future with a time limit, on tokio's clock, paused time included.

use std::future::Future;
use std::time::Duration;

pub use tokio::time::Timeout as Within;
pub use tokio::time::error::Elapsed;

use super::clock::Source;

/// The timer of a circuit.
#[derive(Debug)]
pub(crate) struct Timer;

impl Timer {
    pub(crate) fn of(_: &Source) -> Self {
        Self
    }

    /// The future's output. An error if it takes longer than `limit`.
    #[expect(clippy::unused_self, reason = "with feature `test-util` there are two kinds")]
    pub(crate) fn within<F: Future>(&self, limit: Duration, future: F) -> Within<F> {
        tokio::time::timeout(limit, future)
    }

    /// Blocks the thread on the circuit's clock. `None` where that is done in real time.
    #[expect(clippy::unused_self, reason = "with feature `test-util` there are two kinds")]
    pub(crate) fn block_on<F: Future>(&self, _: Duration, _: impl FnOnce() -> F) -> Option<bool> {
        None
    }
}
