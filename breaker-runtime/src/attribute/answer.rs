//! What the fallback of an async function returns, awaited where a mistake can be told in our words.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// What an async function's fallback returns: a future of what the function returns.
#[diagnostic::on_unimplemented(
    message = "the fallback of an async function must be async too",
    label = "returns `{Self}`, not a future",
    note = "make it an `async fn`, or call it in a closure: `fallback = |_| my_function(..)`"
)]
pub trait Eventual<T> {
    /// Goes on with it.
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
    /// A struct, not an `impl Future`: whether that is `Send` would depend on `T`, whose lifetimes the
    /// compiler does not know in a suspended future.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Answer<A, T> {
        #[pin]
        answer: A,
        resolved: PhantomData<fn() -> T>,
    }
}

impl<A, T> Answer<A, T> {
    /// What the fallback returned. Whether it is a future is asked where it is awaited, and only there.
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
