//! A lock that recovers from poison: what it guards is valid after every statement, so a panic while it
//! was held must not take the circuit down.

use std::sync::{self, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p07_a_lock_recovers_from_poison() {
        let lock = Mutex::new(1);
        let _ = std::panic::catch_unwind(|| {
            let _held = lock.lock();
            panic!("while the lock is held");
        });
        *lock.lock() += 1;
        assert_eq!(*lock.lock(), 2);
    }
}
