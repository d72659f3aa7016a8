//! The standard library's locks and atomics.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use std::mem::ManuallyDrop;
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

/// Makes a static behind a lock.
macro_rules! per_process {
    (static $name:ident: $type:ty = $value:expr;) => {
        static $name: crate::circuit::Global<$type> = crate::circuit::Global::new($value);
    };
}
pub(crate) use per_process;
