//! Waiting for a future with a time limit, on tokio's clock, paused time included.

use std::future::Future;
use std::time::Duration;

/// The future's output. `None` if it takes longer than `limit` and is dropped.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}
