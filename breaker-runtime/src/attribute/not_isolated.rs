//! Where generated code looks for an isolated test. Without feature `test-util`, nowhere.

use std::sync::Arc;

#[cfg(feature = "tokio")]
pub use tokio::time::error::Elapsed;

use super::Key;
pub use crate::__breaker_static as site;
use crate::circuit::CircuitBreaker;
#[cfg(feature = "tokio")]
use crate::circuit::Permit;
use crate::registry::SiteCell;

/// The circuit of a key. While it is held, it is not evicted.
pub fn circuit_for<K: Key + ?Sized>(site: &'static SiteCell, key: &K) -> Arc<CircuitBreaker> {
    site.circuit_for(&key.shown())
}

/// Limits the time of a call. Settings from outside the code may have another limit than the function states.
#[cfg(feature = "tokio")]
pub fn within<F: std::future::Future>(
    permit: &Permit<'_>,
    stated: std::time::Duration,
    future: F,
) -> tokio::time::Timeout<F> {
    limited(permit.call_timeout(stated).unwrap_or(std::time::Duration::MAX), future)
}

/// A future with a limit.
#[cfg(feature = "tokio")]
pub type Limited<F> = tokio::time::Timeout<F>;

/// Limits the time of a future.
#[cfg(feature = "tokio")]
pub fn limited<F: std::future::Future>(limit: std::time::Duration, future: F) -> Limited<F> {
    tokio::time::timeout(limit, future)
}

/// Runs a sync body.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_body {
    ($permit:ident [$($ty:tt)*] $($out:tt)*) => { $($out)* };
}

/// Awaits a future under the permit.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_awaited {
    (
        $permit:ident $running:ident [$($ty:tt)*] [$($limit:tt)*] {$($future:tt)*} {$($guarded:tt)*}
    ) => {{
        let $running = $($future)*;
        let $running = $crate::__private::core::pin::pin!($running);
        $($guarded)*.await
    }};
}
