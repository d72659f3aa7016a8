//! The recent calls that rates are taken over.
//!
//! Good calls are not stored one by one: between two bad calls they are a run, which the fast path
//! counts in its word. A window is therefore always read together with the run that is under way.

mod count;

pub(crate) use count::CountWindow;

/// What a window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: u32,
    pub(crate) failed: u32,
    pub(crate) slow: u32,
}

impl Tally {
    pub(crate) fn failed_share(self) -> f64 {
        f64::from(self.failed) / f64::from(self.calls)
    }

    pub(crate) fn slow_share(self) -> f64 {
        f64::from(self.slow) / f64::from(self.calls)
    }
}
