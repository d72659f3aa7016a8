//! Loom's locks and atomics.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{self, Ordering};
use std::sync::{self, Arc, LockResult, PoisonError};
use std::time::Duration;

use loom::sync::atomic as modelled;
pub(crate) use loom::sync::atomic::AtomicBool;
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

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

    /// Where loads are changes, a store is one like them. Loom would let a thread that has stored something
    /// load the older value again that another thread's change of nothing has just repeated.
    pub(crate) fn store(&self, value: u64, order: Ordering) {
        if LOADS_ARE_CHANGES.load(Ordering::Relaxed) {
            self.0.swap(value, Ordering::AcqRel);
        } else {
            self.0.store(value, order);
        }
    }

    pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.0.swap(value, order)
    }

    pub(crate) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.0.fetch_add(value, order)
    }

    pub(crate) fn fetch_sub(&self, value: u64, order: Ordering) -> u64 {
        self.0.fetch_sub(value, order)
    }

    pub(crate) fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.0.compare_exchange(current, new, success, failure)
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

/// A number of the thread. Threads count up as they first ask, in each execution anew.
pub(crate) fn thread_number() -> usize {
    loom::lazy_static! {
        static ref NEXT: atomic::AtomicUsize = atomic::AtomicUsize::new(0);
    }
    loom::thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

/// Whether what threads count is modelled. It multiplies the orders, and matters to windows of time only.
pub(crate) static COUNTS_ARE_MODELLED: atomic::AtomicBool = atomic::AtomicBool::new(false);

fn if_modelled<T>(make: impl FnOnce() -> T) -> Option<T> {
    COUNTS_ARE_MODELLED.load(Ordering::Relaxed).then(make)
}

/// A counter with one writer. So its loads are never changes.
#[derive(Debug)]
pub(crate) struct CellU64 {
    modelled: Option<modelled::AtomicU64>,
    plain: atomic::AtomicU64,
}

impl CellU64 {
    pub(crate) fn new(value: u64) -> Self {
        let modelled = if_modelled(|| modelled::AtomicU64::new(value));
        Self { modelled, plain: atomic::AtomicU64::new(value) }
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        match &self.modelled {
            Some(cell) => cell.load(order),
            None => self.plain.load(order),
        }
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        match &self.modelled {
            Some(cell) => cell.store(value, order),
            None => self.plain.store(value, order),
        }
    }
}

/// A lock around such counters. Where it is not modelled, loom never stops a thread that holds it.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T> {
    modelled: Option<loom::sync::RwLock<()>>,
    value: sync::RwLock<T>,
}

/// The value is given back first.
#[derive(Debug)]
pub(crate) struct Guard<G, M>(G, Option<M>);

pub(crate) type RwLockReadGuard<'a, T> =
    Guard<sync::RwLockReadGuard<'a, T>, loom::sync::RwLockReadGuard<'a, ()>>;
pub(crate) type RwLockWriteGuard<'a, T> =
    Guard<sync::RwLockWriteGuard<'a, T>, loom::sync::RwLockWriteGuard<'a, ()>>;

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        let modelled = if_modelled(|| loom::sync::RwLock::new(()));
        Self { modelled, value: sync::RwLock::new(value) }
    }

    pub(crate) fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let modelled = self.modelled.as_ref().map(|lock| lock.read().expect("it is not poisoned"));
        Ok(Guard(self.value.read().unwrap_or_else(PoisonError::into_inner), modelled))
    }

    pub(crate) fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let modelled = self.modelled.as_ref().map(|lock| lock.write().expect("it is not poisoned"));
        Ok(Guard(self.value.write().unwrap_or_else(PoisonError::into_inner), modelled))
    }
}

impl<G: Deref, M> Deref for Guard<G, M> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.0
    }
}

impl<G: DerefMut, M> DerefMut for Guard<G, M> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.0
    }
}

/// Is freed when an execution is over, as there are many.
#[derive(Debug)]
pub(crate) struct Leaked<T>(Arc<T>);

impl<T> Leaked<T> {
    #[inline]
    pub(crate) fn new(make: impl FnOnce() -> T) -> Self {
        Self(Arc::new(make()))
    }
}

impl<T> Clone for Leaked<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Leaked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Is dropped when a thread of the model ends: its thread locals go all at once, and none sees the others.
pub(crate) struct Slot<T>(Cell<Option<Leaked<T>>>);

impl<T> Slot<T> {
    pub(crate) const fn empty() -> Self {
        Self(Cell::new(None))
    }

    pub(crate) fn get(&self) -> Option<Leaked<T>> {
        let value = self.0.take();
        self.0.set(value.clone());
        value
    }

    pub(crate) fn set(&self, value: Option<Leaked<T>>) {
        self.0.set(value);
    }
}

/// Makes a static behind a lock, a new one for each execution.
macro_rules! per_process {
    (static $name:ident: $type:ty = $value:expr;) => {
        loom::lazy_static! {
            static ref $name: crate::circuit::Mutex<$type> = crate::circuit::Mutex::new($value);
        }
    };
}
pub(crate) use per_process;

/// Loom's have no const form.
macro_rules! local {
    () => {};
    ($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = const $value:block; $($rest:tt)*) => {
        loom::thread_local! { $(#[$meta])* $vis static $name: $type = $value; }
        $crate::circuit::thread_local! { $($rest)* }
    };
    ($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $value:expr; $($rest:tt)*) => {
        loom::thread_local! { $(#[$meta])* $vis static $name: $type = $value; }
        $crate::circuit::thread_local! { $($rest)* }
    };
}
pub(crate) use local as thread_local;
