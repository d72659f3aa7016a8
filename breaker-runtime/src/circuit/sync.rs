//! Locks and atomics, in one place so that a model checker can replace them.
//!
//! With `--cfg breaker_loom` they are loom's, and `registry/interleavings.rs` runs the real code through every
//! interleaving of threads. Global state is not modelled.

#[cfg_attr(breaker_loom, path = "sync/loom.rs")]
#[cfg_attr(not(breaker_loom), path = "sync/std.rs")]
mod primitives;

use std::sync::{self, PoisonError};

pub(crate) use primitives::{
    AtomicBool, AtomicU64, CellU64, Condvar, Leaked, MutexGuard, Patience, RwLockReadGuard,
    RwLockWriteGuard, Slot, per_process, thread_local, thread_number,
};
#[cfg(breaker_loom)]
pub(crate) use primitives::{COUNTS_ARE_MODELLED, LOADS_ARE_CHANGES};

/// A lock that recovers from poison: what it guards is valid after every statement, so a panic while it
/// was held must not take the circuit down.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(primitives::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(primitives::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same for many readers at once.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T>(primitives::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(primitives::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same for a static.
#[derive(Debug, Default)]
pub(crate) struct Global<T>(sync::Mutex<T>);

impl<T> Global<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> sync::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p07_a_lock_recovers_from_poison() {
        let (lock, shared, global) = (Mutex::new(1), RwLock::new(1), Global::new(1));
        let _ = std::panic::catch_unwind(|| {
            let _held = (lock.lock(), shared.write(), global.lock());
            panic!("while the locks are held");
        });
        *lock.lock() += 1;
        *shared.write() += 1;
        *global.lock() += 1;
        assert_eq!((*lock.lock(), *shared.read(), *global.lock()), (2, 2, 2));
    }
}
