//! Waiting for a future with a time limit, on tokio's clock, paused time included.

use std::future::Future;
use std::time::Duration;

/// What the future comes to, unless it takes too long and is dropped.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}
