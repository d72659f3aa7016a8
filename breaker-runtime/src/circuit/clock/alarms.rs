//! Alarms: a manual clock that wakes who waits for a time on it.
//!
//! *Why it exists:* in a test with a clock that stands still, time limits must end when the test advances the clock,
//! and never before.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Instant, ManualClock, Source};
use crate::circuit::Mutex;

/// The alarms of a clock, which its clones share.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarms(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether the timers of circuits go by the clock, too.
    drive_timers: AtomicBool,
    waiting: Mutex<Waiting>,
}

/// Who waits, by time.
#[derive(Debug, Default)]
struct Waiting {
    wakers: BTreeMap<(Instant, u64), Waker>,
    next: u64,
}

impl Alarms {
    /// Wakes everybody whose time has come.
    pub(super) fn ring(&self, now: Instant) {
        let due = {
            let mut waiting = self.0.waiting.lock();
            let later = waiting.wakers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut waiting.wakers, later)
        };
        // After the lock is released: a waker may run code of a stranger.
        for waker in due.into_values() {
            waker.wake();
        }
    }
}

impl ManualClock {
    /// From now on the clock drives the timers of its circuits, too.
    pub(crate) fn drive_timers(&self) {
        self.alarms.0.drive_timers.store(true, Ordering::Release);
    }

    /// An alarm after that time.
    pub(crate) fn alarm(&self, after: Duration) -> Alarm {
        Alarm { clock: self.clone(), at: self.now().after(after), id: None }
    }
}

impl Source {
    /// The clock that drives the timers of the circuit, if it is not the system's.
    pub(crate) fn driving_timers(&self) -> Option<ManualClock> {
        match self {
            Self::Manual(clock) if clock.alarms.0.drive_timers.load(Ordering::Acquire) => {
                Some(clock.clone())
            }
            Self::Manual(_) | Self::System { .. } => None,
        }
    }
}

/// A future that is ready when the clock has reached a time.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: ManualClock,
    at: Instant,
    id: Option<u64>,
}

impl Alarm {
    pub(crate) fn is_due(&self) -> bool {
        self.clock.now().has_reached(self.at)
    }

    fn turn_off(&mut self) {
        let waker = self.id.take().and_then(|id| {
            let mut waiting = self.clock.alarms.0.waiting.lock();
            waiting.wakers.remove(&(self.at, id))
        });
        // After the lock is released: it may run code of a stranger.
        drop(waker);
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.turn_off();
        let waker = context.waker().clone();
        let id = {
            let mut waiting = self.clock.alarms.0.waiting.lock();
            let id = waiting.next;
            waiting.next += 1;
            waiting.wakers.insert((self.at, id), waker);
            id
        };
        self.id = Some(id);
        // After it is set: an advance in between rings it, or is seen here.
        if self.is_due() {
            self.turn_off();
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.turn_off();
    }
}
