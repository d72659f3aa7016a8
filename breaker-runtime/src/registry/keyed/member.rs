//! `Member`: the circuit of a key, and who holds it.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::Entry;
use crate::circuit::{AtomicU64, CircuitBreaker};
use crate::rules::Instant;

/// The circuit of a key. Readers share the member and never its circuit, so that only calls and users
/// keep a circuit from being evicted (R35).
#[derive(Debug)]
pub(in crate::registry) struct Member {
    entry: Entry,
    /// When it was last asked for.
    touched: AtomicU64,
    /// The number of its eviction; 0 before that.
    evicted: AtomicU64,
    /// The calls that hold it, and whether it is closed to others.
    holders: Holders,
}

impl Member {
    pub(super) fn new(entry: Entry, now: Instant) -> Self {
        Self {
            entry,
            touched: AtomicU64::new(now.as_nanos()),
            evicted: AtomicU64::new(0),
            holders: Holders(AtomicU64::new(0)),
        }
    }

    #[inline]
    pub(in crate::registry) fn entry(&self) -> &Entry {
        &self.entry
    }

    pub(super) fn touched(&self) -> Instant {
        Instant::from_nanos(self.touched.load(Ordering::Relaxed))
    }

    pub(super) fn touch(&self, now: Instant) {
        self.touched.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// The same with a clock that may be behind the one before.
    #[inline]
    pub(super) fn touch_roughly(&self, now: Instant) {
        if self.touched() < now {
            self.touch(now);
        }
    }

    /// The number of its eviction; 0 before that.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Acquire)
    }

    pub(super) fn evict(&self, number: u64) {
        self.evicted.store(number, Ordering::Release);
    }

    /// Holds it for a call, unless it is evicted. Every hold that succeeds takes a [`release`](Member::release).
    #[inline]
    pub(super) fn hold(&self) -> bool {
        self.holders.enter()
    }

    #[inline]
    pub(super) fn release(&self) {
        self.holders.leave();
    }

    /// Closes it to calls, to be evicted, if nobody holds it and it is fit for that. Call it under the map's write lock.
    pub(super) fn close(&self, is_fit: impl FnOnce(&CircuitBreaker) -> bool) -> bool {
        // Closed first: so no call changes what makes it fit.
        if !self.holders.close() {
            return false;
        }
        let may_go = !self.is_shared() && is_fit(&self.entry.circuit);
        if !may_go {
            self.holders.open();
        }
        may_go
    }

    /// Whether a user holds the circuit.
    fn is_shared(&self) -> bool {
        let circuit = &self.entry.circuit;
        let is_shared = Arc::weak_count(circuit) > 0 || Arc::strong_count(circuit) > 1;
        // What the last holder did is visible from here on.
        fence(Ordering::Acquire);
        is_shared
    }
}

/// How many hold something, and whether it is closed. One number, so that nobody enters what somebody else has found
/// empty.
#[derive(Debug)]
struct Holders(AtomicU64);

const CLOSED: u64 = 1 << 63;

impl Holders {
    #[inline]
    fn enter(&self) -> bool {
        let may_enter = self.0.fetch_add(1, Ordering::Acquire) & CLOSED == 0;
        if !may_enter {
            self.leave();
        }
        may_enter
    }

    #[inline]
    fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Release);
    }

    /// Says whether it was empty, and is closed now.
    fn close(&self) -> bool {
        self.0.compare_exchange(0, CLOSED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn open(&self) {
        self.0.fetch_sub(CLOSED, Ordering::Release);
    }
}

#[cfg(all(test, breaker_loom))]
mod interleavings {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;
    use crate::registry::interleavings::explore;

    #[test]
    fn r35_nobody_enters_what_was_closed_and_nobody_closes_what_was_entered() {
        explore("r35, two that enter and one that closes", || {
            let holders = Arc::new(Holders(AtomicU64::new(0)));
            let inside = Arc::new(AtomicU64::new(0));
            let threads = [(); 2].map(|()| {
                let (holders, inside) = (Arc::clone(&holders), Arc::clone(&inside));
                thread::spawn(move || {
                    if holders.enter() {
                        inside.fetch_add(1, Ordering::Relaxed);
                        inside.fetch_sub(1, Ordering::Relaxed);
                        holders.leave();
                    }
                })
            });
            if holders.close() {
                assert_eq!(inside.load(Ordering::Relaxed), 0);
                holders.open();
            }
            for thread in threads {
                thread.join().unwrap();
            }
            assert!(holders.close() && !holders.enter());
        });
    }
}
