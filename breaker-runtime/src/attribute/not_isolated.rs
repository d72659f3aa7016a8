//! Where generated code looks for an isolated test. Without feature `test-util`, nowhere.

use std::marker::PhantomData;
#[cfg(feature = "stream")]
use std::sync::Arc;

use super::{Digits, Key};
#[cfg(feature = "stream")]
pub use crate::__breaker_shared as shared_site;
pub use crate::__breaker_static as site;
#[cfg(feature = "stream")]
use crate::circuit::CircuitBreaker;
use crate::circuit::Permit;
#[cfg(feature = "stream")]
use crate::registry::SharedSiteCell;
use crate::registry::{Held, KeyedSiteCell};

/// The circuit of a key. While it is held, it is not evicted.
#[inline]
pub fn circuit_for<K: Key + ?Sized>(
    site: &'static KeyedSiteCell,
    key: &K,
    text: impl for<'k> FnOnce(&'k K, &'k mut Digits) -> Option<&'k str>,
) -> Held {
    match text(key, &mut Digits::new()) {
        Some(text) => site.held_for(text),
        None => site.held_for_shown(&key.shown()),
    }
}

/// The circuit of that site, for a call that outlives the function.
#[cfg(feature = "stream")]
#[must_use]
pub fn shared(site: &'static SharedSiteCell) -> Arc<CircuitBreaker> {
    site.circuit()
}

/// What a test has happen in place of a call. Nothing.
#[derive(Debug)]
pub struct Faults<R>(PhantomData<fn() -> R>);

impl<R> Faults<R> {
    /// No fault.
    pub const NONE: Self = Self(PhantomData);

    #[inline]
    #[expect(clippy::unused_self, reason = "with feature `test-util` there is something to ask")]
    pub(super) fn take(&mut self, _: &mut Permit<'_>) -> Option<R> {
        None
    }
}

/// The faults of an async function.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_faults {
    ($($ty:tt)*) => {
        $crate::__private::Faults::NONE
    };
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
    ($permit:ident $running:ident [$($ty:tt)*] {$($guarded:tt)*}) => { $($guarded)*.await };
    (
        $permit:ident $running:ident [$($ty:tt)*] [$($limit:tt)*] {$($future:tt)*} {$($guarded:tt)*}
    ) => {{
        let $running = $($future)*;
        let $running = $crate::__private::core::pin::pin!($running);
        $($guarded)*.await
    }};
}

/// Begins a stream that was admitted.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_begun {
    ($permit:ident [$($ty:tt)*]) => {
        $crate::__private::Beginning::Admitted($permit)
    };
}
