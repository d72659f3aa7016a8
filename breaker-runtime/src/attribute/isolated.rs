//! Where generated code looks for an isolated test: its circuit, its clock and its faults.

use std::any::type_name;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Digits, Key, Leads};
use crate::circuit::{CircuitBreaker, OwnedPermit, Permit};
use crate::registry::{Effect, KeyedSiteCell, SiteCell, current};
pub use crate::{__breaker_site as shared_site, __breaker_site as site};

/// The circuit that a call goes through. It is held while the call lasts.
#[derive(Debug)]
pub struct Found(Arc<CircuitBreaker>);

impl Found {
    /// The circuit of that site.
    #[must_use]
    pub fn of(site: &'static SiteCell) -> Self {
        Self(site.found())
    }
}

impl<'a> Leads<'a> for &'a Found {
    fn known_circuit(self) -> Option<&'a CircuitBreaker> {
        Some(&self.0)
    }

    fn circuit(self) -> &'a CircuitBreaker {
        &self.0
    }
}

/// The circuit of a key. While it is held, it is not evicted.
pub fn circuit_for<K: Key + ?Sized>(
    site: &'static KeyedSiteCell,
    key: &K,
    text: impl for<'k> FnOnce(&'k K, &'k mut Digits) -> Option<&'k str>,
) -> Arc<CircuitBreaker> {
    match text(key, &mut Digits::new()) {
        Some(text) => site.found_for(&text),
        None => site.found_for(&key.shown()),
    }
}

/// The circuit that was found, for a call that outlives the function.
#[must_use]
pub fn shared(found: &Found) -> Arc<CircuitBreaker> {
    Arc::clone(&found.0)
}

/// What a call returns in place of its body's value. In a box, so that it takes little room in functions and futures.
#[derive(Debug)]
pub struct Instead(std::boxed::Box<Fails>);

#[derive(Debug)]
struct Fails {
    circuit: String,
    effect: Effect,
}

/// The fault that a sync call runs into, if it still has to return.
///
/// # Panics
///
/// If the test asked for that.
#[must_use]
pub fn fault(permit: &Permit<'_>) -> Option<Instead> {
    Instead::of_fault(permit.circuit(), Duration::MAX, thread::sleep)
}

/// The fault that an async call runs into whose function states that limit, if it does not run its body. A delay is
/// given to the permit, so that the guarded future waits.
///
/// # Panics
///
/// If the test asked for that.
#[must_use]
pub fn async_fault(permit: &mut Permit<'_>, stated: Option<Duration>) -> Option<Instead> {
    // A delay is no longer than the limit, which then is over before the body is polled.
    let limit = stated.and_then(|stated| permit.call_timeout(stated));
    Instead::of_fault(permit.circuit(), limit.unwrap_or(Duration::MAX), |delay| permit.delay(delay))
}

/// What a test has happen in place of a call of an async function.
#[derive(Debug)]
pub struct Faults<R>(Option<fn(Instead) -> R>);

impl<R> Faults<R> {
    /// Asks the test once. The closure makes the value of a fault.
    #[must_use]
    pub const fn of(value: fn(Instead) -> R) -> Self {
        Self(Some(value))
    }

    /// The value of the fault that the call runs into, if it does not run its body.
    pub(super) fn take(&mut self, permit: &mut Permit<'_>) -> Option<R> {
        let value = self.0.take()?;
        async_fault(permit, None).map(value)
    }
}

/// The fault that a stream runs into, if it does not run. A delay passes here.
///
/// # Panics
///
/// If the test asked for that.
pub async fn stream_fault(permit: &OwnedPermit) -> Option<Instead> {
    let mut delay = None;
    let instead = Instead::of_fault(permit.circuit(), Duration::MAX, |length| delay = Some(length));
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    instead
}

impl Instead {
    /// The fault of the next call. A delay moves the circuit's clock if that stands still, and else has the call wait.
    fn of_fault(
        circuit: &CircuitBreaker,
        limit: Duration,
        wait: impl FnOnce(Duration),
    ) -> Option<Self> {
        match current()?.fault_of_body(circuit.name())? {
            Effect::Delay(delay) => {
                let delay = delay.min(limit);
                match circuit.clock().driving_timers() {
                    Some(clock) => clock.advance(delay),
                    None => wait(delay),
                }
                None
            }
            Effect::Panic(message) => panic!("{message}"),
            effect => {
                let circuit = circuit.name().to_owned();
                Some(Self(std::boxed::Box::new(Fails { circuit, effect })))
            }
        }
    }

    /// The call cannot return that.
    ///
    /// # Panics
    ///
    /// Always: it says what the test can ask for.
    pub fn is_impossible(self) -> ! {
        let Fails { circuit, effect } = *self.0;
        match effect {
            Effect::Fail(failure) => panic!(
                "the fault of circuit {circuit:?} makes a `{}`, and the function returns no `Result` whose error type \
                 can be checked: it returns no error, or one that borrows or is generic. Use `Fault::panic`, \
                 `Fault::refuse` or `Fault::delay`, or have the test's dependency fail",
                failure.type_name(),
            ),
            _ => panic!(
                "the fault of circuit {circuit:?} is `Fault::none()`, and the function returns no `Option`. Use \
                 `Fault::fail_with(|| Err(..))`, `Fault::panic` or `Fault::refuse`"
            ),
        }
    }
}

/// Makes the value of a fault. Each `__breaker_value` is inherent for some types, as with [`KindOf`](super::KindOf).
#[derive(Debug)]
pub struct Faulty<R>(FaultyOption<R>);

/// Where the search goes on if it is no `Result`.
#[derive(Debug)]
pub struct FaultyOption<R>(FaultyValue<R>);

/// Where it ends.
#[derive(Debug)]
pub struct FaultyValue<R>(PhantomData<fn() -> R>);

impl<R> Faulty<R> {
    /// For values of that type.
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    #[must_use]
    pub const fn new() -> Self {
        Self(FaultyOption(FaultyValue(PhantomData)))
    }
}

impl<T, E: 'static> Faulty<Result<T, E>> {
    /// An error.
    ///
    /// # Errors
    ///
    /// The fault's.
    ///
    /// # Panics
    ///
    /// If the fault is another.
    pub fn __breaker_value(&self, instead: Instead) -> Result<T, E> {
        let Fails { circuit, effect: Effect::Fail(failure) } = &*instead.0 else {
            instead.is_impossible()
        };
        match failure.of() {
            Some(error) => Err(error),
            None => panic!(
                "the fault of circuit {circuit:?} makes a `{}`, and the function returns a `{}`: have the closure of \
                 `Fault::fail_with` return that",
                failure.type_name(),
                type_name::<E>(),
            ),
        }
    }
}

impl<T> FaultyOption<Option<T>> {
    /// `None`.
    ///
    /// # Panics
    ///
    /// If the fault is another.
    #[must_use]
    pub fn __breaker_value(&self, instead: Instead) -> Option<T> {
        let Fails { circuit, effect } = *instead.0;
        match effect {
            Effect::None => None,
            _ => panic!(
                "the fault of circuit {circuit:?} is an error, and the function returns an `Option`: use `Fault::none()`"
            ),
        }
    }
}

impl<R> FaultyValue<R> {
    /// No value.
    ///
    /// # Panics
    ///
    /// Always.
    #[must_use]
    pub fn __breaker_value(&self, instead: Instead) -> R {
        instead.is_impossible()
    }
}

impl<R> Deref for Faulty<R> {
    type Target = FaultyOption<R>;

    fn deref(&self) -> &FaultyOption<R> {
        &self.0
    }
}

impl<R> Deref for FaultyOption<R> {
    type Target = FaultyValue<R>;

    fn deref(&self) -> &FaultyValue<R> {
        &self.0
    }
}

/// Makes the static behind an annotated function, adds it to the link-time list, and finds the circuit of the call.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_site {
    ($text:literal $($constants:tt)*) => {
        &$crate::__private::Found::of($crate::__breaker_static!($text $($constants)*))
    };
}

/// Runs a sync body, unless a fault stands in its place.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_body {
    ($permit:ident [$($ty:tt)*] $($out:tt)*) => {
        match $crate::__private::fault(&$permit) {
            $crate::__private::core::option::Option::None => $($out)*,
            $crate::__private::core::option::Option::Some(__breaker_instead) => {
                $crate::__breaker_instead!(__breaker_instead [$($ty)*])
            }
        }
    };
}

/// Awaits a future under the permit, unless a fault stands in its place. The future is made first: so there is no
/// second place where the call is suspended, and its limit begins before a delay does. Without a future, it was made
/// and pinned before.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_awaited {
    ($permit:ident $running:ident [$($ty:tt)*] [] {$($future:tt)*} {$($guarded:tt)*}) => {{
        let $running = $($future)*;
        let $running = $crate::__private::core::pin::pin!($running);
        $crate::__breaker_awaited!($permit $running [$($ty)*] {$($guarded)*})
    }};
    ($permit:ident $running:ident [$($ty:tt)*] {$($guarded:tt)*}) => {
        match $crate::__private::async_fault(&mut $permit, $crate::__private::core::option::Option::None) {
            $crate::__private::core::option::Option::None => {
                $crate::__breaker_typed!([$($ty)*] $($guarded)*.await)
            }
            $crate::__private::core::option::Option::Some(__breaker_instead) => {
                $crate::__breaker_instead!(__breaker_instead [$($ty)*])
            }
        }
    };
    ($permit:ident $running:ident [$($ty:tt)*] [$($limit:tt)*] {$($future:tt)*} {$($guarded:tt)*}) => {{
        let $running = $($future)*;
        let $running = $crate::__private::core::pin::pin!($running);
        match $crate::__private::async_fault(
            &mut $permit,
            $crate::__private::core::option::Option::Some($($limit)*),
        ) {
            $crate::__private::core::option::Option::None => {
                $crate::__breaker_typed!([$($ty)*; limited] $($guarded)*.await)
            }
            $crate::__private::core::option::Option::Some(__breaker_instead) => {
                $crate::__private::core::result::Result::Ok(
                    $crate::__breaker_instead!(__breaker_instead [$($ty)*])
                )
            }
        }
    }};
}

/// The faults of an async function whose value has that type.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_faults {
    ($($ty:tt)*) => {
        $crate::__private::Faults::of(|__breaker_instead| {
            $crate::__breaker_instead!(__breaker_instead [$($ty)*])
        })
    };
}

/// A value of that type. Without it, a body of another type would be compared with the other arm.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_typed {
    ([] $($value:tt)*) => { $($value)* };
    ([; limited] $($value:tt)*) => { $($value)* };
    ([$ty:ty; limited] $($value:tt)*) => {{
        let __breaker_value: $crate::__private::core::result::Result<$ty, $crate::__private::Elapsed> =
            $($value)*;
        __breaker_value
    }};
    ([$ty:ty] $($value:tt)*) => {{
        let __breaker_value: $ty = $($value)*;
        __breaker_value
    }};
}

/// The value of a fault.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_instead {
    ($instead:ident []) => {
        $crate::__private::Instead::is_impossible($instead)
    };
    ($instead:ident [$($ty:tt)*]) => {
        $crate::__private::Faulty::<$($ty)*>::new().__breaker_value($instead)
    };
}

/// Begins a stream that was admitted, unless a fault stands in its place.
#[doc(hidden)]
#[macro_export]
macro_rules! __breaker_begun {
    ($permit:ident []) => {
        match $crate::__private::stream_fault(&$permit).await {
            $crate::__private::core::option::Option::None => {
                $crate::__private::Beginning::Admitted($permit)
            }
            $crate::__private::core::option::Option::Some(__breaker_instead) => {
                $crate::__breaker_instead!(__breaker_instead [])
            }
        }
    };
    ($permit:ident [$($ty:tt)*]) => {
        match $crate::__private::stream_fault(&$permit).await {
            $crate::__private::core::option::Option::None => {
                $crate::__private::Beginning::Admitted($permit)
            }
            $crate::__private::core::option::Option::Some(__breaker_instead) => {
                $crate::__private::Beginning::Instead(
                    $permit,
                    $crate::__breaker_instead!(__breaker_instead [$($ty)*]),
                )
            }
        }
    };
}
