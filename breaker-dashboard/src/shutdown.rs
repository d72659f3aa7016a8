//! The signal that the program is about to end.
//!
//! *Why it exists:* a graceful shutdown waits for responses to end, and an event stream never ends by itself.

use std::fmt;
use std::future::pending;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

/// A signal that many tasks can wait for, or none.
#[derive(Clone, Default)]
pub(crate) struct Shutdown(Option<Shared<BoxFuture<'static, ()>>>);

impl Shutdown {
    pub(crate) fn on(signal: impl Future<Output = ()> + Send + 'static) -> Self {
        // A signal that panics counts as given, as in `axum::serve`.
        let signal = AssertUnwindSafe(signal).catch_unwind().map(drop);
        Self(Some(signal.boxed().shared()))
    }

    /// Completes when the signal is given. Without a signal, never.
    pub(crate) async fn begun(self) {
        match self.0 {
            Some(signal) => signal.await,
            None => pending().await,
        }
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shutdown").field(&self.0.is_some()).finish()
    }
}
