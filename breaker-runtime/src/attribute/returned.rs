//! Return types that are futures: which of them can be guarded, and an error where one would not be.
//!
//! *Why it exists:* the attribute sees the name of a return type, and guesses by it whether the function returns a
//! future. Here the compiler checks the guess, by trait.
#![expect(
    clippy::unused_self,
    reason = "generated code calls methods, as the compiler chooses those by type"
)]

use std::future::{Future, Pending, pending};
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use super::KindOf;

/// A return type that a guarded future can become: a pinned box of any future.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is named like a future, and cannot be guarded as one",
    label = "not a `Pin<Box<dyn Future<Output = ..>>>`, nor an alias of one",
    note = "for a future, write `async fn`, or return `impl Future<Output = ..>` or `Pin<Box<dyn Future<Output = ..>>>`",
    note = "for a value that is no future, return an alias whose name does not end in `Future` or `Fut`"
)]
pub trait Guardable {
    /// A box that the guarded future becomes.
    type Boxed;

    /// The guarded future as what the function returns.
    fn guarded(boxed: Self::Boxed) -> Self;
}

macro_rules! guardable {
    ($($($auto:ident)*;)*) => {$(
        impl<'a, T> Guardable for Pin<Box<dyn Future<Output = T> $(+ $auto)* + 'a>> {
            type Boxed = Self;

            fn guarded(boxed: Self) -> Self {
                boxed
            }
        }

        impl<'a, T: 'a> Guardable for Pin<Box<dyn Future<Output = T> $(+ $auto)* + Unpin + 'a>> {
            type Boxed = Pin<Box<dyn Future<Output = T> $(+ $auto)* + 'a>>;

            fn guarded(boxed: Self::Boxed) -> Self {
                // A pinned box is `Unpin`, whatever is in it.
                Box::pin(boxed)
            }
        }
    )*};
}

guardable! {
    ;
    Send;
    Sync;
    Send Sync;
}

/// Tells what a function made whose return type is named like a future. Each `__breaker_made` is inherent for some
/// types, as with [`KindOf`](super::KindOf): here for boxes.
#[derive(Debug)]
pub struct Named<R>(NamedFuture<R>);

/// Where the search goes on when it is no box: futures.
#[derive(Debug)]
pub struct NamedFuture<R>(NamedValue<R>);

/// Where it ends: no future at all.
#[derive(Debug)]
pub struct NamedValue<R>(PhantomData<fn() -> R>);

impl<R> Named<R> {
    /// The kind of that value.
    #[must_use]
    pub const fn value(_: &R) -> Self {
        Self(NamedFuture(NamedValue(PhantomData)))
    }
}

impl<R: Guardable> Named<R> {
    /// A box. The guard can make another one of its type.
    #[must_use]
    pub const fn __breaker_made(&self) -> Boxes<R> {
        Boxes(PhantomData)
    }
}

impl<F: Future> NamedFuture<F> {
    /// A future, but no box: an error.
    #[must_use]
    pub const fn __breaker_made(&self) -> Lost<F>
    where
        F: Guardable,
    {
        Lost(PhantomData)
    }
}

impl<R> NamedValue<R> {
    /// No future: an error.
    #[must_use]
    pub const fn __breaker_made(&self) -> LostValue<R>
    where
        R: Guardable,
    {
        LostValue(PhantomData)
    }
}

impl<R> Deref for Named<R> {
    type Target = NamedFuture<R>;

    fn deref(&self) -> &NamedFuture<R> {
        &self.0
    }
}

impl<R> Deref for NamedFuture<R> {
    type Target = NamedValue<R>;

    fn deref(&self) -> &NamedValue<R> {
        &self.0
    }
}

/// Tells whether a function that says `Future` made one.
#[derive(Debug)]
pub struct Made<V>(MadeValue<V>);

/// Where the search goes on when it did not.
#[derive(Debug)]
pub struct MadeValue<V>(PhantomData<fn() -> V>);

impl<V> Made<V> {
    /// The kind of that value.
    #[must_use]
    pub const fn value(_: &V) -> Self {
        Self(MadeValue(PhantomData))
    }
}

impl<F: Future> Made<F> {
    /// A future.
    #[must_use]
    pub const fn __breaker_made(&self) -> Awaits {
        Awaits
    }
}

impl<V> MadeValue<V> {
    /// No future. Another check reports this mistake.
    #[must_use]
    pub const fn __breaker_made(&self) -> NeverAwaits<V> {
        NeverAwaits(PhantomData)
    }
}

impl<V> Deref for Made<V> {
    type Target = MadeValue<V>;

    fn deref(&self) -> &MadeValue<V> {
        &self.0
    }
}

/// A future is awaited, and what guards it is returned.
#[derive(Debug)]
pub struct Awaits;

impl Awaits {
    /// What is awaited.
    pub fn __breaker_future<F>(&self, future: F) -> F {
        future
    }

    /// What the function returns that hides its type.
    pub fn __breaker_guarded<G>(&self, guarded: G) -> G {
        guarded
    }

    /// What the function returns that says its type.
    pub fn __breaker_boxed<G>(&self, guarded: G) -> G {
        guarded
    }
}

/// A box is awaited, and one with what guards it is returned.
#[derive(Debug)]
pub struct Boxes<R>(PhantomData<fn() -> R>);

impl<R: Guardable> Boxes<R> {
    /// What is awaited.
    pub fn __breaker_future(&self, future: R) -> R {
        future
    }

    /// What the function returns.
    pub fn __breaker_guarded(&self, boxed: R::Boxed) -> R {
        R::guarded(boxed)
    }
}

macro_rules! lost {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<R>(PhantomData<fn() -> R>);

        impl<R> $name<R> {
            /// What the function returns.
            ///
            /// # Panics
            ///
            /// If it is called, which no program that compiles does.
            pub fn __breaker_guarded<G>(&self, _: G) -> R {
                unreachable!("the program does not compile")
            }
        }
    )*};
}

lost! {
    /// After the error about a future that is no box, there is no other.
    Lost;
    /// After the error about a value with the name of a future, there is no other.
    LostValue;
}

impl<F: Future> Lost<F> {
    /// What is awaited.
    pub fn __breaker_future(&self, future: F) -> F {
        future
    }
}

impl<R> LostValue<R> {
    /// What is awaited.
    pub fn __breaker_future(&self, _: R) -> Pending<R> {
        pending()
    }
}

/// Nothing is awaited, and what is returned fits all the same: the one error is elsewhere.
#[derive(Debug)]
pub struct NeverAwaits<V>(PhantomData<fn() -> V>);

impl<V> NeverAwaits<V> {
    /// What the function returns that hides its type.
    pub fn __breaker_guarded<G>(&self, guarded: G) -> G {
        guarded
    }

    /// What the function returns that says its type.
    ///
    /// # Panics
    ///
    /// If it is called, which no program that compiles does.
    pub fn __breaker_boxed<G>(&self, _: G) -> V {
        unreachable!("the program does not compile")
    }

    /// What is awaited, with any output.
    pub fn __breaker_future<T>(&self, _: V) -> Pending<T> {
        pending()
    }
}

/// Tells whether a sync function returned what can be guarded as it is. It works as [`KindOf`] does: the methods are
/// inherent for futures, and for every other type the call goes on to what this dereferences to.
#[derive(Debug)]
pub struct Returned<R>(Resolved<R>);

/// The same for a value that was awaited. It may be a future, but no stream.
#[derive(Debug)]
pub struct Resolved<R>(KindOf<R>);

impl<R> Returned<R> {
    /// The kind of that value.
    #[must_use]
    pub const fn value(value: &R) -> Self {
        Self(Resolved::value(value))
    }
}

impl<R> Resolved<R> {
    /// The kind of that value.
    #[must_use]
    pub const fn value(value: &R) -> Self {
        Self(KindOf::value(value))
    }
}

impl<F: Future> Returned<F> {
    /// A future: nobody would watch it run.
    pub const fn __breaker_check(&self)
    where
        F: NoFuture,
    {
    }

    /// The same.
    pub const fn __breaker_opens(&self, _: &F)
    where
        F: NoFuture,
    {
    }
}

impl<R> Deref for Returned<R> {
    type Target = Resolved<R>;

    fn deref(&self) -> &Resolved<R> {
        &self.0
    }
}

impl<R> Deref for Resolved<R> {
    type Target = KindOf<R>;

    fn deref(&self) -> &KindOf<R> {
        &self.0
    }
}

/// What futures are asked to be where they would run unguarded. None is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a future, and would run unguarded: the attribute sees a plain value",
    label = "a future under a name that does not say so",
    note = "write `async fn`, or return `impl Future<Output = ..>` or `Pin<Box<dyn Future<Output = ..>>>`",
    note = "an alias of such a box works too, if its name ends in `Future`"
)]
pub trait NoFuture {}

/// What a trait named `Future` must be: the one that is awaited.
#[diagnostic::on_unimplemented(
    message = "this `Future` is not `core::future::Future`",
    label = "a trait of another crate or module, which nobody can await",
    note = "import it under another name, such as `use my::Future as MyTask`, and the function returns a plain value"
)]
pub trait IsAwaited {}

#[diagnostic::do_not_recommend]
impl<F: Future> IsAwaited for F {}

/// Asks whether what the type implements is the `Future` of the language.
pub const fn awaited<F: IsAwaited>(_: &F) {}
