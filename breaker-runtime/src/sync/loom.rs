//! Those of the model checker.

use std::sync::atomic::{self, Ordering};
use std::time::Duration;

use loom::sync::atomic as modelled;
pub(crate) use loom::sync::atomic::AtomicBool;
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
pub(crate) use loom::thread_local;

/// Whether loads are modelled as changes that change nothing.
pub(crate) static LOADS_ARE_CHANGES: atomic::AtomicBool = atomic::AtomicBool::new(false);

#[derive(Debug)]
pub(crate) struct AtomicU64(modelled::AtomicU64);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        Self(modelled::AtomicU64::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        if LOADS_ARE_CHANGES.load(Ordering::Relaxed) {
            self.0.fetch_add(0, Ordering::AcqRel)
        } else {
            self.0.load(order)
        }
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }

    pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.0.swap(value, order)
    }

    pub(crate) fn compare_exchange_weak(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.0.compare_exchange_weak(current, new, success, failure)
    }
}

/// Has none: whether others come first is up to the model.
#[derive(Debug)]
pub(crate) struct Patience;

impl Patience {
    pub(crate) fn new(_: Duration) -> Self {
        Self
    }

    pub(crate) fn wait(&self) -> bool {
        true
    }
}
