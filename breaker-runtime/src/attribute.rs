//! Everything that generated code and the other crates of the workspace may call, and nothing else. Not public API: it
//! may change in any release.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pub use core;
pub use core::option::Option::{None, Some};
pub use core::result::Result::{self, Err, Ok};
pub use std::boxed::Box;
pub use std::convert::Infallible;

pub use inventory;

mod answer;
mod called;
mod checks;
#[cfg(feature = "test-util")]
mod isolated;
#[cfg(not(feature = "test-util"))]
#[path = "attribute/not_isolated.rs"]
mod isolated;
mod key;
mod kind;
mod refusal;
mod returned;
mod saying;
#[cfg(feature = "stream")]
mod streamed;

pub use answer::{Answer, Eventual};
pub use called::{Called, call_async};
pub use checks::{
    Calls, Time, WindowLength, call_timeout, check, check_beside, failure_after, max_keys, name,
    unit_of,
};
pub use isolated::*;
pub use key::{Digits, Key, KeyOf, OtherKey, TextKey, key_of};
pub use kind::{
    CanFail, Ended, EndedOption, HasErrors, Kind, KindOf, OptionKind, OptionOr, PlainKind,
    ResultKind, ended, kind_of,
};
pub use refusal::{HoldsRejected, HoldsTimedOut, Refusable};
pub use returned::{Guardable, IsAwaited, Made, Named, NoFuture, Resolved, Returned, awaited};
pub use saying::{MayAsk, MayDescribe, Saying, Verdict, describe_error, open_for};
#[cfg(feature = "stream")]
pub use streamed::{
    Beginning, GuardableStream, IsPolled, Items, MadeStream, NamedStream, NoStream, Streamed,
    Yields, enter_stream, polled,
};

pub use crate::circuit::{
    Acquire, Admission, CallError, CircuitBreaker, Entered, FailsAfter, Guarded, HeldPermit,
    OnCancel, Permit, Rejected, TimedOut,
};
#[cfg(feature = "tokio")]
pub use crate::circuit::{Elapsed, Within};
#[cfg(all(feature = "stream", not(feature = "test-util")))]
pub use crate::registry::SharedSiteCell;
pub use crate::registry::{Held, KeyedSiteCell, Listed, SiteCell, cell};
pub use crate::rules::Outcome;
pub use crate::settings::{Config, ConfigError, Constants, Site, cut};
pub use crate::{
    __breaker_awaited as awaited_body, __breaker_begun as begun, __breaker_body as body,
    __breaker_faults as faults, __breaker_keyed as keyed_site,
};

use crate::circuit::{Bulkhead, IfDropped};

/// Something that leads to a circuit: a site, or the circuit itself.
pub trait Leads<'a>: Copy {
    /// The circuit, if it is known already. Takes one load.
    fn known_circuit(self) -> Option<&'a CircuitBreaker>;
    /// The circuit. The first call of a site looks it up in the registry.
    fn circuit(self) -> &'a CircuitBreaker;
}

impl Leads<'static> for &'static SiteCell {
    #[inline]
    fn known_circuit(self) -> Option<&'static CircuitBreaker> {
        SiteCell::known_circuit(self)
    }

    fn circuit(self) -> &'static CircuitBreaker {
        SiteCell::circuit(self)
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

/// Acquires a permit to run the function's body. If the permit is dropped unsettled, the body panicked.
///
/// # Errors
///
/// [`Rejected`] if the circuit refuses.
#[inline]
pub fn enter<'a>(way: impl Leads<'a>) -> Result<Permit<'a>, Rejected> {
    let circuit = way.known_circuit();
    match circuit.and_then(CircuitBreaker::admit_at_once) {
        Some(admission) => Ok(only_panics_drop(admission.permit())),
        None => enter_slowly(way, circuit).map(only_panics_drop),
    }
}

#[inline]
fn enter_slowly<'a>(
    way: impl Leads<'a>,
    circuit: Option<&'a CircuitBreaker>,
) -> Result<Permit<'a>, Rejected> {
    is_rare();
    let circuit = circuit.unwrap_or_else(|| way.circuit());
    circuit.acquire_slowly(Bulkhead::enter_blocking, IfDropped::Panicked)
}

/// Has the compiler move the code that calls this out of the way.
#[cold]
#[inline]
fn is_rare() {}

/// States again what the permit says already. Here the compiler sees it, and keeps it in no register during the body.
#[inline]
fn only_panics_drop(mut permit: Permit<'_>) -> Permit<'_> {
    permit.if_dropped(IfDropped::Panicked);
    permit
}

/// Like [`enter`], for a function without a fallback.
///
/// # Errors
///
/// The function's value if the circuit refuses.
#[inline]
pub fn enter_or_refuse<'a, R: Refusable>(way: impl Leads<'a>) -> Result<Permit<'a>, R>
where
    R::Error: HoldsRejected,
{
    // Not by way of `enter`: to map its result takes each call five instructions more.
    let circuit = way.known_circuit();
    if let Some(admission) = circuit.and_then(CircuitBreaker::admit_at_once) {
        return Ok(only_panics_drop(admission.permit()));
    }
    match enter_slowly(way, circuit) {
        Ok(permit) => Ok(only_panics_drop(permit)),
        Err(rejected) => Err(R::refused(hold(rejected))),
    }
}

/// The error of a call that was refused. One for all functions with that error, so that each of them is small.
#[cold]
#[inline(never)]
fn hold<E: HoldsRejected>(rejected: Rejected) -> E {
    E::hold(rejected)
}

/// Fast path of [`enter`]. `None` means "take the slow path".
#[inline]
pub fn enter_at_once<'a>(way: impl Leads<'a>) -> Option<Admission<'a>> {
    way.known_circuit().and_then(CircuitBreaker::admit_at_once)
}

/// Like [`enter`], without blocking the thread.
pub fn enter_async<'a>(way: impl Leads<'a>) -> Acquire<'a> {
    Acquire::new(way.circuit())
}

/// Like [`enter_async`], for a function without a fallback.
pub fn enter_async_or_refuse<'a, R: Refusable>(way: impl Leads<'a>) -> Entering<'a, R>
where
    R::Error: HoldsRejected,
{
    Entering { acquire: enter_async(way), refuse }
}

/// An [`Acquire`] for a function without a fallback.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Entering<'a, R> {
    acquire: Acquire<'a>,
    /// A pointer, so that a type that cannot hold a refusal is one error.
    refuse: fn(Rejected) -> R,
}

impl<'a, R> Future for Entering<'a, R> {
    type Output = Result<Permit<'a>, R>;

    /// One for all functions that return such a value, so that each of them is small.
    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.acquire).poll(context);
        polled.map_err(self.refuse)
    }
}

/// Limits the time of a call. Settings from outside the code may have another limit than the function states.
#[cfg(feature = "tokio")]
pub fn within<F: Future>(permit: &Permit<'_>, stated: Duration, future: F) -> Within<F> {
    permit.within(stated, future)
}

/// A future with a limit.
#[cfg(feature = "tokio")]
pub type Limited<F> = Within<F>;

/// Limits the time of a future, on the clock of its circuit.
#[cfg(feature = "tokio")]
pub fn limited<F: Future>(circuit: &CircuitBreaker, limit: Duration, future: F) -> Limited<F> {
    circuit.limit(limit, future)
}

/// Records that the body was dropped because it exceeded `call_timeout`.
#[must_use]
pub fn time_out(permit: Permit<'_>, limit: Duration) -> TimedOut {
    permit.time_out(limit)
}

/// The error about an option that a crate of the workspace takes at run time.
#[must_use]
pub const fn config_error(option: &'static str, problem: &'static str) -> ConfigError {
    ConfigError::new(option, problem)
}

/// The return value of a call that timed out, without a fallback.
#[must_use]
pub fn give_up<R: Refusable>(timed_out: TimedOut) -> R
where
    R::Error: HoldsTimedOut,
{
    R::refused(R::Error::hold(timed_out))
}

/// Runs the body. Passing the closure here makes it `FnOnce`, so it may return what it captured.
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Gives the compiler the type of the body's value before the body. Invariant, because with a subtype the compiler
/// would learn the type too late for a closure.
#[derive(Debug)]
pub struct Expected<T>(PhantomData<fn(T) -> T>);

impl<T> Clone for Expected<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Expected<T> {}

impl<T> Expected<T> {
    /// The type that the context expects.
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    /// Like [`call`].
    #[inline]
    pub fn call(self, body: impl FnOnce() -> T) -> T {
        body()
    }

    /// Returns the value.
    #[inline]
    pub fn value(self, value: T) -> T {
        value
    }
}

/// The outcome without `failure_if`.
#[inline]
pub fn outcome<R>(kind: impl Kind<R>, value: &R) -> Outcome {
    kind.outcome(value)
}

/// The value of a `return` that is never taken, which only needs a type.
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
pub fn settle(permit: Permit<'_>, verdict: impl Verdict) {
    verdict.settle(permit);
}

/// Records how the body ended, and decides whether the fallback runs.
///
/// # Errors
///
/// The error for the fallback.
#[inline]
pub fn settle_or_fall_back<K: Kind<R>, R>(
    permit: Permit<'_>,
    verdict: impl Verdict,
    kind: K,
    value: R,
) -> Result<R, CallError<K::Error>> {
    let outcome = verdict.outcome();
    verdict.settle(permit);
    kind.split(outcome, value).map_err(CallError::Failed)
}

/// Gives the fallback's error its type if the fallback only answers refusals.
#[derive(Debug)]
pub struct ErrorType<E>(PhantomData<fn() -> E>);

impl<E> ErrorType<E> {
    /// A type that is yet to be inferred.
    #[must_use]
    pub const fn unknown() -> Self {
        Self(PhantomData)
    }

    /// The error type of this kind of value.
    #[must_use]
    pub fn of<R>(_: impl Kind<R, Error = E>, _: &R) -> Self {
        Self::unknown()
    }

    /// The error for the fallback.
    #[must_use]
    pub fn rejected(self, rejected: Rejected) -> CallError<E> {
        CallError::Rejected(rejected)
    }

    /// Infers the type: it is the error type of this kind of value.
    pub fn is_of<R>(self, _: impl Kind<R, Error = E>, _: &R) {}
}

/// The return value of a refused call, without a fallback.
#[must_use]
pub fn refuse<R: Refusable>(rejected: Rejected) -> R
where
    R::Error: HoldsRejected,
{
    R::refused(R::Error::hold(rejected))
}

/// The outcome with `failure_if`.
#[inline]
pub fn failure_if<R>(value: &R, is_failure: impl FnOnce(&R) -> bool) -> Outcome {
    if is_failure(value) { Outcome::Failure } else { Outcome::Success }
}

/// The outcome with `ignore_if`, which is checked before `failure_if`.
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

/// Clones an argument for a fallback that may run after the call.
pub fn keep<T: Keep>(argument: &T) -> T {
    argument.keep()
}

/// An argument that can be cloned for a fallback.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept for the fallback: it is not `Clone`",
    label = "the fallback may need this argument after the call has used it",
    note = "take the argument by reference, or set `fallback_on = rejected` so that nothing is kept"
)]
pub trait Keep {
    /// The clone.
    #[must_use]
    fn keep(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Keep for T {
    fn keep(&self) -> Self {
        self.clone()
    }
}

/// Makes the static behind an annotated function, and adds it to the link-time list. The paths are those of generated
/// code, which imports this module as `__breaker`: longer ones cost every function of a program.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_static {
    // Most functions have no constants. Written out, as each macro inside of another costs all of them.
    ($text:literal) => {{
        static __BREAKER_SITE: __breaker::SiteCell = __breaker::cell(::core::concat!(
            $text,
            ::core::line!(),
            "\0",
            ::core::column!(),
            "\0",
            ::core::module_path!(),
            "\0",
            ::core::file!()
        ));
        $crate::__private::inventory::submit! { __breaker::Listed(&__BREAKER_SITE) }
        &__BREAKER_SITE
    }};
    ($($stated:tt)*) => {{
        static __BREAKER_SITE: __breaker::SiteCell = $crate::__breaker_described!(SiteCell $($stated)*);
        $crate::__private::inventory::submit! { __breaker::Listed(&__BREAKER_SITE) }
        &__BREAKER_SITE
    }};
}

/// The same for a function with keys.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_keyed {
    ($($stated:tt)*) => {{
        static __BREAKER_SITE: __breaker::KeyedSiteCell =
            $crate::__breaker_described!(KeyedSiteCell $($stated)*);
        $crate::__private::inventory::submit! { __breaker::Listed(&__BREAKER_SITE.cell) }
        &__BREAKER_SITE
    }};
}

/// The same for a function that returns a stream.
#[cfg(all(feature = "stream", not(feature = "test-util")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_shared {
    ($($stated:tt)*) => {{
        static __BREAKER_SITE: __breaker::SharedSiteCell =
            $crate::__breaker_described!(SharedSiteCell $($stated)*);
        $crate::__private::inventory::submit! { __breaker::Listed(&__BREAKER_SITE.cell) }
        &__BREAKER_SITE
    }};
}

/// A cell with the text that the attribute wrote, and the place of the attribute after it.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_described {
    ($cell:ident $text:literal) => {
        __breaker::$cell::new($crate::__breaker_placed!($text))
    };
    ($cell:ident $text:literal, $($constants:expr),*) => {{
        // A static, because an inline constant that fails is reported twice.
        static __BREAKER_STATED: __breaker::Constants = __breaker::Constants::new($($constants),*);
        __breaker::$cell::with($crate::__breaker_placed!($text), &__BREAKER_STATED)
    }};
}

/// The text of a site.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_placed {
    ($text:literal) => {
        $crate::__private::core::concat!(
            $text,
            $crate::__private::core::line!(),
            "\0",
            $crate::__private::core::column!(),
            "\0",
            $crate::__private::core::module_path!(),
            "\0",
            $crate::__private::core::file!()
        )
    };
}
