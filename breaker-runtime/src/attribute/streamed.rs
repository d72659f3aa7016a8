//! Return types that are streams: the guarded stream, and an error where a stream would not be guarded.
//!
//! *Why it exists:* as for futures in `returned.rs`, the attribute guesses by the name of a return type, and the
//! compiler checks the guess by trait.
#![expect(
    clippy::unused_self,
    reason = "generated code calls methods, as the compiler chooses those by type"
)]

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::returned::Resolved;
use crate::circuit::{CircuitBreaker, GuardedStream, OnCancel, OwnedPermit, Rejected};
use crate::rules::Outcome;

/// How a stream begins.
#[derive(Debug)]
pub enum Beginning<T> {
    /// It runs.
    Admitted(OwnedPermit),
    /// It was refused: this is its only item.
    Refused(T),
    /// A test has this item in place of all others.
    Instead(OwnedPermit, T),
}

pin_project! {
    /// What a function returns in place of its stream: at its first poll it asks the circuit.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Streamed<S, C, B> {
        #[pin]
        stream: GuardedStream<S, C>,
        #[pin]
        beginning: B,
        progress: Progress,
        on_cancel: OnCancel,
    }
}

#[derive(Debug)]
enum Progress {
    Begins,
    Runs,
    Over,
}

impl<S, C, B> Streamed<S, C, B>
where
    S: Stream,
    C: FnMut(&S::Item) -> Outcome,
    B: Future<Output = Beginning<S::Item>>,
{
    /// Guards `stream` from its first poll on.
    pub fn new(stream: S, on_cancel: OnCancel, classify: C, beginning: B) -> Self {
        let stream = GuardedStream::without_permit(stream, classify);
        Self { stream, beginning, progress: Progress::Begins, on_cancel }
    }
}

impl<S, C, B> Stream for Streamed<S, C, B>
where
    S: Stream,
    C: FnMut(&S::Item) -> Outcome,
    B: Future<Output = Beginning<S::Item>>,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let item = match this.progress {
            Progress::Runs => return this.stream.poll_next(context),
            Progress::Over => return Poll::Ready(None),
            Progress::Begins => match ready!(this.beginning.poll(context)) {
                Beginning::Admitted(permit) => {
                    *this.progress = Progress::Runs;
                    this.stream.as_mut().admit(permit, *this.on_cancel);
                    return this.stream.poll_next(context);
                }
                Beginning::Refused(item) => item,
                Beginning::Instead(permit, item) => {
                    permit.record(this.stream.outcome(&item));
                    item
                }
            },
        };
        *this.progress = Progress::Over;
        Poll::Ready(Some(item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.progress {
            Progress::Runs => self.stream.size_hint(),
            // It may be refused, and then has one item.
            Progress::Begins => (0, self.stream.size_hint().1.map(|most| most.max(1))),
            Progress::Over => (0, Some(0)),
        }
    }
}

/// Acquires the permit of a stream.
///
/// # Errors
///
/// [`Rejected`] if the circuit refuses.
pub async fn enter_stream(
    circuit: impl Into<Arc<CircuitBreaker>>,
) -> Result<OwnedPermit, Rejected> {
    circuit.into().acquire_owned().await
}

/// The type of a stream's items.
#[derive(Debug)]
pub struct Items<T>(PhantomData<fn() -> T>);

impl<T> Clone for Items<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Items<T> {}

impl<T> Items<T> {
    /// The type of the stream's items.
    #[must_use]
    pub const fn of<S: Stream<Item = T>>(_: &S) -> Self {
        Self(PhantomData)
    }

    /// An item, of which only the type matters.
    ///
    /// # Panics
    ///
    /// If it is called, which generated code does not.
    #[must_use]
    pub fn any(self) -> T {
        unreachable!("stands behind `if false`")
    }

    /// The only item of a stream that was refused.
    pub fn only(self, item: T) -> Beginning<T> {
        Beginning::Refused(item)
    }
}

/// What a trait named `Stream` must be: the one that is polled.
#[diagnostic::on_unimplemented(
    message = "this `Stream` is not `futures_core::Stream`",
    label = "a trait of another crate or module, which the attribute cannot poll",
    note = "import it under another name, such as `use my::Stream as MyStream`; the function then returns a plain value"
)]
pub trait IsPolled {}

#[diagnostic::do_not_recommend]
impl<S: Stream> IsPolled for S {}

/// Asks whether what the type implements is the `Stream` that everybody polls.
pub const fn polled<S: IsPolled>(_: &S) {}

/// A return type that a guarded stream can become: a pinned box of any stream.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is named like a stream, and cannot be guarded as one",
    label = "not a `Pin<Box<dyn Stream<Item = ..>>>`, nor an alias of one",
    note = "for a stream, return `impl Stream<Item = ..>`, `Pin<Box<dyn Stream<Item = ..>>>` or `BoxStream<..>`",
    note = "for a value that is no stream, return an alias whose name does not end in `Stream`"
)]
pub trait GuardableStream {}

macro_rules! guardable {
    ($($($auto:ident)*;)*) => {$(
        impl<'a, T> GuardableStream for Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>> {}
    )*};
}

guardable! {
    ;
    Send;
    Sync;
    Send Sync;
}

/// A stream of such items.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream of `{T}`",
    label = "a stream of other items",
    note = "map the items to that type, as in `.map(Ok)`, or correct the return type"
)]
pub trait Yields<T> {}

#[diagnostic::do_not_recommend]
impl<T, S: Stream<Item = T>> Yields<T> for S {}

/// Tells whether a function that says `Stream` made one of such items. Each `__breaker_made` is inherent for some
/// types, as with [`KindOf`](super::KindOf): here for those streams.
#[derive(Debug)]
pub struct MadeStream<T, S>(MadeOther<T, S>);

/// Where the search goes on: streams of other items.
#[derive(Debug)]
pub struct MadeOther<T, S>(MadeNone<T, S>);

/// Where it ends: no stream at all.
#[derive(Debug)]
pub struct MadeNone<T, S>(PhantomData<fn() -> (T, S)>);

/// Tells what a function made whose return type is named like a stream. It works like [`MadeStream`]: first for boxes.
#[derive(Debug)]
pub struct NamedStream<R>(NamedOther<R>);

/// Where the search goes on: streams in no box.
#[derive(Debug)]
pub struct NamedOther<R>(NamedNone<R>);

/// Where it ends: no stream at all.
#[derive(Debug)]
pub struct NamedNone<R>(PhantomData<fn() -> R>);

impl<T, S> MadeStream<T, S> {
    /// The kind of that value.
    #[must_use]
    pub const fn value(_: &S) -> Self {
        Self(MadeOther(MadeNone(PhantomData)))
    }
}

impl<R> NamedStream<R> {
    /// The kind of that value.
    #[must_use]
    pub const fn value(_: &R) -> Self {
        Self(NamedOther(NamedNone(PhantomData)))
    }
}

impl<T, S: Stream<Item = T>> MadeStream<T, S> {
    /// A stream of such items.
    #[must_use]
    pub const fn __breaker_made(&self) -> Watched {
        Watched
    }
}

impl<T, S: Stream> MadeOther<T, S> {
    /// A stream of others: an error.
    #[must_use]
    pub const fn __breaker_made(&self) -> Unwatched<T>
    where
        S: Yields<T>,
    {
        Unwatched(PhantomData)
    }
}

impl<T, S> MadeNone<T, S> {
    /// No stream, which is an error elsewhere.
    #[must_use]
    pub const fn __breaker_made(&self) -> Unwatched<T> {
        Unwatched(PhantomData)
    }
}

impl<R: GuardableStream> NamedStream<R> {
    /// A box.
    #[must_use]
    pub const fn __breaker_made(&self) -> Watched {
        Watched
    }
}

impl<S: Stream> NamedOther<S> {
    /// A stream, but no box: an error.
    #[must_use]
    pub const fn __breaker_made(&self) -> Unwatched<S::Item>
    where
        S: GuardableStream,
    {
        Unwatched(PhantomData)
    }
}

impl<R> NamedNone<R> {
    /// No stream: an error.
    #[must_use]
    pub const fn __breaker_made(&self) -> Unwatched<R>
    where
        R: GuardableStream,
    {
        Unwatched(PhantomData)
    }
}

impl<T, S> Deref for MadeStream<T, S> {
    type Target = MadeOther<T, S>;

    fn deref(&self) -> &MadeOther<T, S> {
        &self.0
    }
}

impl<T, S> Deref for MadeOther<T, S> {
    type Target = MadeNone<T, S>;

    fn deref(&self) -> &MadeNone<T, S> {
        &self.0
    }
}

impl<R> Deref for NamedStream<R> {
    type Target = NamedOther<R>;

    fn deref(&self) -> &NamedOther<R> {
        &self.0
    }
}

impl<R> Deref for NamedOther<R> {
    type Target = NamedNone<R>;

    fn deref(&self) -> &NamedNone<R> {
        &self.0
    }
}

/// The stream is polled, and what guards it is returned.
#[derive(Debug)]
pub struct Watched;

impl Watched {
    /// What is polled.
    pub fn __breaker_stream<S>(&self, stream: S) -> S {
        stream
    }

    /// What the function returns if only the compiler knows its type.
    pub fn __breaker_guarded<R>(&self, boxed: R) -> R {
        boxed
    }
}

/// After the error about what the function made, there is no other.
#[derive(Debug)]
pub struct Unwatched<T>(PhantomData<fn() -> T>);

impl<T> Unwatched<T> {
    /// What is polled.
    pub fn __breaker_stream<S>(&self, _: S) -> Pending<T> {
        Pending(PhantomData)
    }

    /// What the function returns if only the compiler knows its type.
    ///
    /// # Panics
    ///
    /// If it is called, which no program that compiles does.
    pub fn __breaker_guarded<G, R>(&self, _: G) -> R {
        unreachable!("the program does not compile")
    }
}

/// A stream without an item.
#[derive(Debug)]
pub struct Pending<T>(PhantomData<fn() -> T>);

impl<T> Stream for Pending<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Pending
    }
}

/// What streams are asked to be where their items would pass unguarded. None is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a stream, and its items would pass unguarded: the attribute sees a plain value",
    label = "nobody would watch its items",
    note = "return `impl Stream<Item = ..>`, `Pin<Box<dyn Stream<Item = ..>>>` or `BoxStream<..>`, and no `async`",
    note = "an alias of such a box works too, if its name ends in `Stream`"
)]
pub trait NoStream {}

impl<S: Stream> Resolved<S> {
    /// A stream: nobody would watch its items.
    pub const fn __breaker_check(&self)
    where
        S: NoStream,
    {
    }

    /// The same.
    pub const fn __breaker_opens(&self, _: &S)
    where
        S: NoStream,
    {
    }
}
