//! No call is delayed without feature `test-util`.

use std::task::{Context, Poll};

/// Nothing.
#[derive(Debug)]
pub(super) struct Delay;

impl Delay {
    pub(super) const NONE: Self = Self;

    #[inline]
    #[expect(clippy::unused_self, reason = "with feature `test-util` there is something to poll")]
    pub(super) fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
