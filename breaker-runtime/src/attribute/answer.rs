//! Awaiting the fallback of an async function, with an error message of ours if it returns no future.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// The answer of an async function's fallback: a future of the function's return type.
#[diagnostic::on_unimplemented(
    message = "the fallback of an async function must be async too",
    label = "returns `{Self}`, not a future",
    note = "make it an `async fn`, or call it in a closure: `fallback = |_| my_function(..)`"
)]
pub trait Eventual<T> {
    /// Polls the future.
    fn poll_answer(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T>;
}

#[diagnostic::do_not_recommend]
impl<T, F: Future<Output = T>> Eventual<T> for F {
    fn poll_answer(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.poll(context)
    }
}

pin_project! {
    /// An [`Eventual`] answer as a future.
    ///
    /// A struct, not an `impl Future`: whether that is `Send` would depend on `T`, and the compiler does not know the
    /// lifetimes of `T` in a suspended future.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Answer<A, T> {
        #[pin]
        answer: A,
        resolved: PhantomData<fn() -> T>,
    }
}

impl<A, T> Answer<A, T> {
    /// Wraps what the fallback returned. Only awaiting it requires a future, so the error is reported once.
    pub fn of(answer: A) -> Self {
        Self { answer, resolved: PhantomData }
    }
}

impl<T, A: Eventual<T>> Future for Answer<A, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.project().answer.poll_answer(context)
    }
}
