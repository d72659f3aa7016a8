//! A future that runs under a permit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::permit::{IfDropped, OnCancel, Permit};

pin_project! {
    /// Polls a future and keeps its permit's meaning right: dropped while suspended is cancelled, and
    /// anything that stops it while it runs, or after it is done, is a panic.
    ///
    /// A struct, not an `async fn`: a generic `async fn` would hold the future twice.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<'p, 'a, F> {
        #[pin]
        future: F,
        permit: &'p mut Permit<'a>,
        on_cancel: OnCancel,
    }
}

impl<'p, 'a, F> Guarded<'p, 'a, F> {
    /// Runs `future` under `permit`. Until the first poll the permit stays as it is.
    pub fn new(permit: &'p mut Permit<'a>, on_cancel: OnCancel, future: F) -> Self {
        Self { future, permit, on_cancel }
    }
}

impl<F: Future> Future for Guarded<'_, '_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.permit.if_dropped(IfDropped::Panicked);
        let polled = this.future.poll(context);
        if polled.is_pending() {
            this.permit.if_dropped(IfDropped::Cancelled(*this.on_cancel));
        }
        polled
    }
}
