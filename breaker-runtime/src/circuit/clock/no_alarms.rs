//! No alarms without feature `test-util`: a manual clock wakes nobody.

use super::Instant;

/// Nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarms;

impl Alarms {
    #[inline]
    #[expect(clippy::unused_self, reason = "with feature `test-util` there are some")]
    pub(super) fn ring(&self, _: Instant) {}
}
