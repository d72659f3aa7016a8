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
pub async fn enter_stream(circuit: Arc<CircuitBreaker>) -> Result<OwnedPermit, Rejected> {
    circuit.acquire_owned().await
}

/// What the body made, if it is a stream of such items. Opaque, so that there is one error if it is none.
pub fn stream_of<T, S: Stream<Item = T>>(stream: S) -> impl Stream<Item = T> {
    stream
}

/// An item of the stream, of which only the type matters.
///
/// # Panics
///
/// If it is called, which generated code does not.
pub fn item_of<S: Stream>(_: &S) -> S::Item {
    unreachable!("stands behind `if false`")
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

/// Tells what a function made whose return type is named like a stream. Each `__breaker_made` is inherent for some
/// types, as with [`KindOf`](super::KindOf): here for boxes.
#[derive(Debug)]
pub struct NamedStream<R>(NamedStreamStruct<R>);

/// Where the search goes on when it is no box: streams.
#[derive(Debug)]
pub struct NamedStreamStruct<R>(NamedStreamValue<R>);

/// Where it ends: no stream at all.
#[derive(Debug)]
pub struct NamedStreamValue<R>(PhantomData<fn() -> R>);

impl<R> NamedStream<R> {
    /// The kind of that value.
    #[must_use]
    pub const fn value(_: &R) -> Self {
        Self(NamedStreamStruct(NamedStreamValue(PhantomData)))
    }
}

impl<R: GuardableStream> NamedStream<R> {
    /// A box.
    #[must_use]
    pub const fn __breaker_made(&self) -> BoxedStream {
        BoxedStream
    }
}

impl<S: Stream> NamedStreamStruct<S> {
    /// A stream, but no box: an error.
    #[must_use]
    pub const fn __breaker_made(&self) -> LostStream<S>
    where
        S: GuardableStream,
    {
        LostStream(PhantomData)
    }
}

impl<R> NamedStreamValue<R> {
    /// No stream: an error.
    #[must_use]
    pub const fn __breaker_made(&self) -> LostItems<R>
    where
        R: GuardableStream,
    {
        LostItems(PhantomData)
    }
}

impl<R> Deref for NamedStream<R> {
    type Target = NamedStreamStruct<R>;

    fn deref(&self) -> &NamedStreamStruct<R> {
        &self.0
    }
}

impl<R> Deref for NamedStreamStruct<R> {
    type Target = NamedStreamValue<R>;

    fn deref(&self) -> &NamedStreamValue<R> {
        &self.0
    }
}

/// A box is polled, and a box with what guards it is returned.
#[derive(Debug)]
pub struct BoxedStream;

impl BoxedStream {
    /// What is polled.
    pub fn __breaker_stream<R>(&self, stream: R) -> R {
        stream
    }

    /// What the function returns.
    pub fn __breaker_guarded<R>(&self, boxed: R) -> R {
        boxed
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
    /// After the error about a stream that is no box, there is no other.
    LostStream;
    /// After the error about a value with the name of a stream, there is no other.
    LostItems;
}

impl<S: Stream> LostStream<S> {
    /// What is polled.
    pub fn __breaker_stream(&self, stream: S) -> S {
        stream
    }
}

impl<R> LostItems<R> {
    /// What is polled.
    pub fn __breaker_stream(&self, item: R) -> impl Stream<Item = R> {
        Once(Some(item))
    }
}

struct Once<T>(Option<T>);

impl<T> Unpin for Once<T> {}

impl<T> Stream for Once<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.0.take())
    }
}

/// What streams are asked to be where their items would pass unguarded. None is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a stream, and its items would pass unguarded: the attribute sees a plain value",
    label = "a stream under a name that does not say so",
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
