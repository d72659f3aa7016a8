//! The standard library's locks and atomics.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicU64 as CellU64};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use std::thread_local;

/// Waits for other threads, but not for ever.
#[derive(Debug)]
pub(crate) struct Patience {
    began: Instant,
    lasts: Duration,
}

impl Patience {
    /// Shorter than this, the scheduler would let us sleep too long.
    const SHORT: Duration = Duration::from_millis(1);

    pub(crate) fn new(lasts: Duration) -> Self {
        Self { began: Instant::now(), lasts }
    }

    /// Lets others run for a part of the time. Says whether all of it is over.
    pub(crate) fn wait(&self) -> bool {
        if self.lasts < Self::SHORT {
            thread::yield_now();
        } else {
            thread::sleep(self.lasts / 8);
        }
        self.began.elapsed() >= self.lasts
    }
}

/// A number of the thread. Threads count up as they first ask.
#[inline]
pub(crate) fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // A thread that ends may have none any more.
    NUMBER.try_with(|number| *number).unwrap_or(0)
}

/// A value that is never freed. Clones are the same one.
#[derive(Debug)]
pub(crate) struct Leaked<T: 'static>(&'static T);

impl<T> Leaked<T> {
    #[inline]
    pub(crate) fn new(make: impl FnOnce() -> T) -> Self {
        Self(Box::leak(Box::new(make())))
    }
}

impl<T> Clone for Leaked<T> {
    #[inline]
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<T> Deref for Leaked<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0
    }
}

/// A thread's place for one.
#[derive(Debug)]
pub(crate) struct Slot<T: 'static>(Cell<Option<&'static T>>);

impl<T> Slot<T> {
    pub(crate) const fn empty() -> Self {
        Self(Cell::new(None))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<Leaked<T>> {
        self.0.get().map(Leaked)
    }

    pub(crate) fn set(&self, value: Option<Leaked<T>>) {
        self.0.set(value.map(|leaked| leaked.0));
    }
}

/// Makes a static behind a lock.
macro_rules! per_process {
    (static $name:ident: $type:ty = $value:expr;) => {
        static $name: crate::circuit::Global<$type> = crate::circuit::Global::new($value);
    };
}
pub(crate) use per_process;
