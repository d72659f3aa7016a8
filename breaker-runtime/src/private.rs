//! The only paths that generated code may use. Not public API: it may change in any release.

use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

pub use core;
pub use std::boxed::Box;
pub use std::convert::Infallible;

pub use inventory;

pub use crate::__breaker_site as site;
pub use crate::breaker::CircuitBreaker;
pub use crate::config::Config;
pub use crate::constant::{
    Calls, Time, WindowLength, call_timeout, check, failure_after, max_keys, unit_of,
};
pub use crate::entering::Entering;
pub use crate::error::{CallError, Rejected, TimedOut};
pub use crate::eventual::{Answer, Eventual};
pub use crate::guarded::{FailsAfter, Guarded};
pub use crate::outcome::{
    HasErrors, Kind, KindOf, OptionKind, OptionOr, Outcome, PlainKind, ResultKind,
};
pub use crate::permit::{Admission, OnCancel, Permit};
pub use crate::refusable::{HoldsRejected, HoldsTimedOut, Refusable};
pub use crate::returned::{Guardable, IsAwaited, Made, Named, NoFuture, Plain, Returned, awaited};
pub use crate::site::{Listed, Place, Site};

use crate::bulkhead::Bulkhead;
use crate::permit::IfDropped;

/// A circuit, or the site that leads to it.
pub trait Leads<'a>: Copy {
    /// The circuit, if it takes one load.
    fn known_circuit(self) -> Option<&'a CircuitBreaker>;
    /// The circuit.
    fn circuit(self) -> &'a CircuitBreaker;
}

impl Leads<'static> for &'static Site {
    #[inline]
    fn known_circuit(self) -> Option<&'static CircuitBreaker> {
        Site::known_circuit(self)
    }

    fn circuit(self) -> &'static CircuitBreaker {
        Site::circuit(self)
    }
}

impl<'a> Leads<'a> for &'a CircuitBreaker {
    #[inline]
    fn known_circuit(self) -> Option<&'a CircuitBreaker> {
        Some(self)
    }

    fn circuit(self) -> &'a CircuitBreaker {
        self
    }
}

/// Leave to run an annotated function's body. If nobody settles it, the body panicked.
///
/// # Errors
///
/// [`Rejected`] if the circuit refuses.
#[inline]
pub fn enter<'a>(way: impl Leads<'a>) -> Result<Permit<'a>, Rejected> {
    let circuit = way.known_circuit();
    if let Some(admission) = circuit.and_then(CircuitBreaker::admit_at_once) {
        return Ok(admission.permit());
    }
    // By way of a variable: so a permit that was given at once need not have an address.
    let permit = match circuit {
        Some(circuit) => circuit.acquire_slowly(Bulkhead::enter_blocking, IfDropped::Panicked),
        None => enter_first(way),
    }?;
    Ok(permit)
}

#[cold]
#[inline(never)]
fn enter_first<'a>(way: impl Leads<'a>) -> Result<Permit<'a>, Rejected> {
    way.circuit().acquire(Bulkhead::enter_blocking, IfDropped::Panicked)
}

/// As [`enter`], if it takes no more than a look; `None` says nothing.
#[inline]
pub fn enter_at_once<'a>(way: impl Leads<'a>) -> Option<Admission<'a>> {
    way.known_circuit().and_then(CircuitBreaker::admit_at_once)
}

/// As [`enter`], without blocking the thread.
pub fn enter_async<'a>(way: impl Leads<'a>) -> Entering<'a> {
    Entering::new(way.circuit())
}

/// The circuit for a key. While it is held, it is not evicted.
pub fn circuit_for<K: Key + ?Sized>(site: &'static Site, key: &K) -> Arc<CircuitBreaker> {
    site.circuit_for(&key.shown())
}

/// What the option `key` comes to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key: it does not implement `Display`",
    label = "the key is part of a circuit's name, so it must be text or become text",
    note = "name a part of it that can be shown, or write the key with `format!`"
)]
pub trait Key {
    /// The key as it stands in the name.
    fn shown(&self) -> impl Display;
}

#[diagnostic::do_not_recommend]
impl<K: Display + ?Sized> Key for K {
    fn shown(&self) -> impl Display {
        self
    }
}

#[cfg(feature = "tokio")]
pub use tokio::time::{error::Elapsed, timeout as within};

/// Records that the body was dropped because it took too long.
#[must_use]
pub fn time_out(permit: Permit<'_>, limit: Duration) -> TimedOut {
    permit.time_out(limit)
}

/// What a call that timed out returns when there is no fallback.
#[must_use]
pub fn give_up<R: Refusable>(timed_out: TimedOut) -> R
where
    R::Error: HoldsTimedOut,
{
    R::refused(R::Error::hold(timed_out))
}

/// Runs the body. Passing the closure here makes it `FnOnce`, so that it may return what it captured.
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// The type of the body's value, known before the body is. Invariant: of a subtype, the compiler would learn
/// the type too late for a closure.
#[derive(Debug)]
pub struct Expected<T>(PhantomData<fn(T) -> T>);

impl<T> Clone for Expected<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Expected<T> {}

impl<T> Expected<T> {
    /// The type that the context asks for.
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    /// As [`call`].
    #[inline]
    pub fn call(self, body: impl FnOnce() -> T) -> T {
        body()
    }

    /// The value as it is.
    #[inline]
    pub fn value(self, value: T) -> T {
        value
    }
}

/// How the value counts when the attribute does not say.
#[inline]
pub fn outcome<R>(kind: impl Kind<R>, value: &R) -> Outcome {
    kind.outcome(value)
}

/// A value that gives a never-taken `return` its type.
///
/// # Panics
///
/// If it is called, which generated code does not.
#[cold]
#[must_use]
pub fn never<R>() -> R {
    unreachable!("stands behind `if false`")
}

/// Records how the body ended.
#[inline]
pub fn settle(permit: Permit<'_>, outcome: Outcome) {
    permit.settle(outcome.into());
}

/// Records how the body ended, and tells whether the fallback runs.
///
/// # Errors
///
/// What the fallback is given.
#[inline]
pub fn settle_or_fall_back<K: Kind<R>, R>(
    permit: Permit<'_>,
    outcome: Outcome,
    kind: K,
    value: R,
) -> Result<R, CallError<K::Error>> {
    permit.settle(outcome.into());
    kind.split(outcome, value).map_err(CallError::Failed)
}

/// Gives the fallback's error its type where the fallback answers refusals only.
#[derive(Debug)]
pub struct ErrorType<E>(PhantomData<fn() -> E>);

impl<E> ErrorType<E> {
    /// A type yet to be inferred.
    #[must_use]
    pub const fn unknown() -> Self {
        Self(PhantomData)
    }

    /// What the fallback is given.
    #[must_use]
    pub fn rejected(self, rejected: Rejected) -> CallError<E> {
        CallError::Rejected(rejected)
    }

    /// It is the error type of this kind of value.
    pub fn is_of<R>(self, _: impl Kind<R, Error = E>, _: &R) {}
}

/// What a refused call returns when there is no fallback.
#[must_use]
pub fn refuse<R: Refusable>(rejected: Rejected) -> R
where
    R::Error: HoldsRejected,
{
    R::refused(R::Error::hold(rejected))
}

/// The outcome under `failure_if`.
#[inline]
pub fn failure_if<R>(value: &R, is_failure: impl FnOnce(&R) -> bool) -> Outcome {
    if is_failure(value) { Outcome::Failure } else { Outcome::Success }
}

/// The outcome under `ignore_if`, which is asked before anything else.
pub fn ignore_if<K: HasErrors<R>, R>(
    kind: K,
    value: &R,
    is_ignored: impl FnOnce(&K::Error) -> bool,
    otherwise: impl FnOnce(&R) -> Outcome,
) -> Outcome {
    match kind.error(value) {
        Some(error) if is_ignored(error) => Outcome::Ignored,
        _ => otherwise(value),
    }
}

/// A copy of an argument, kept for a fallback that may run after the call.
pub fn keep<T: Keep>(argument: &T) -> T {
    argument.keep()
}

/// An argument that can be kept.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept for the fallback: it is not `Clone`",
    label = "the fallback may need this argument after the call has used it",
    note = "take it by reference, or set `fallback_on = rejected` so that nothing is kept"
)]
pub trait Keep {
    /// The copy.
    #[must_use]
    fn keep(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Keep for T {
    fn keep(&self) -> Self {
        self.clone()
    }
}

/// The static behind an annotated function, entered in the link-time list.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_site {
    ($name:expr, $function:expr, $config:expr $(, $keyed:ident = $max_keys:expr)?) => {{
        static __BREAKER_SITE: $crate::__private::Site = $crate::__private::Site::new(
            $name,
            $config,
            $function,
            $crate::__private::Place::new(
                $crate::__private::core::module_path!(),
                $crate::__private::core::file!(),
                $crate::__private::core::line!(),
                $crate::__private::core::column!(),
            ),
        )$(.$keyed($max_keys))?;
        $crate::__private::inventory::submit! { $crate::__private::Listed(&__BREAKER_SITE) }
        &__BREAKER_SITE
    }};
}
