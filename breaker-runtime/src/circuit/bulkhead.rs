//! The bulkhead: a limit on calls in flight, and a line for calls that may wait.
//!
//! *Why it exists:* a circuit opens on evidence, and calls that hang give none until they end. The bulkhead limits
//! how many calls can hang at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener, IntoNotification, Listener};

use super::timer::Timer;
use crate::rules::nanos;

/// A counter of slots and a line. If a call waits, a slot is handed to the first in line and is never free in
/// between, so no call can jump the queue.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    limit: AtomicU32,
    /// In nanoseconds.
    max_wait: AtomicU64,
    used: AtomicU32,
    /// How many have ever joined the line.
    joined: AtomicU32,
    line: Event,
    timer: Timer,
}

impl Bulkhead {
    /// The limit of a bulkhead that limits nothing.
    pub(crate) const OFF: u32 = u32::MAX;

    pub(crate) fn new(limit: u32, max_wait: Duration, timer: Timer) -> Self {
        let (used, joined) = (AtomicU32::new(0), AtomicU32::new(0));
        let (limit, max_wait) = (AtomicU32::new(limit), AtomicU64::new(nanos(max_wait)));
        Self { limit, max_wait, used, joined, line: Event::new(), timer }
    }

    /// Sets other limits. No running call ends; [`hand_out`](Bulkhead::hand_out) gives new slots to the line.
    pub(crate) fn refit(&self, limit: u32, max_wait: Duration) {
        self.limit.store(limit, Ordering::SeqCst);
        self.max_wait.store(nanos(max_wait), Ordering::SeqCst);
    }

    fn limit(&self) -> u32 {
        self.limit.load(Ordering::SeqCst)
    }

    /// Whether calls need a slot at all.
    pub(crate) fn is_on(&self) -> bool {
        self.limit() != Self::OFF
    }

    pub(crate) fn max_wait(&self) -> Duration {
        Duration::from_nanos(self.max_wait.load(Ordering::SeqCst))
    }

    /// Takes a slot if one is free.
    pub(crate) fn try_enter(&self) -> bool {
        let one_more = |used| (used < self.limit()).then(|| used + 1);
        self.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).is_ok()
    }

    pub(crate) fn timer(&self) -> &Timer {
        &self.timer
    }

    /// Takes a slot, and blocks the thread until `max_wait` for it. Real time, whatever the circuit's clock, unless a
    /// test isolates the circuit.
    pub(crate) fn enter_blocking(&self) -> bool {
        if self.try_enter() {
            return true;
        }
        let max_wait = self.max_wait();
        if max_wait.is_zero() {
            return false;
        }
        if let Some(entered) = self.timer.block_on(max_wait, || self.stand_in_line()) {
            return entered;
        }
        let listener = self.join_line();
        if self.try_enter() {
            self.leave_line(listener);
            return true;
        }
        if let Some(deadline) = Instant::now().checked_add(max_wait) {
            listener.wait_deadline(deadline).is_some()
        } else {
            listener.wait();
            true
        }
    }

    /// Joins the line. A waiter that gives up passes a slot it was already given to the next one.
    pub(crate) fn stand_in_line(&self) -> InLine<'_> {
        InLine { bulkhead: self, listener: Some(self.join_line()) }
    }

    /// Gives a slot back.
    pub(crate) fn leave(&self) {
        let too_many = |used| (used > self.limit()).then(|| used - 1);
        if self.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, too_many).is_err() {
            self.pass_on();
        }
    }

    /// Gives free slots to those who stand in line. Called without any lock: it may wake tasks.
    pub(crate) fn hand_out(&self) {
        while self.try_enter() && self.pass_on() {}
    }

    /// Gives a slot to the first in line, or frees it. Returns whether a waiting call got it.
    fn pass_on(&self) -> bool {
        loop {
            let joined = self.joined.load(Ordering::SeqCst);
            if self.line.notify(1.additional()) > 0 {
                return true;
            }
            self.used.fetch_sub(1, Ordering::SeqCst);
            // A call may have joined the line after we looked and before the slot was free. Those who
            // stand in it with a slot of their own do not matter.
            if self.joined.load(Ordering::SeqCst) == joined || !self.try_enter() {
                return false;
            }
        }
    }

    /// After joining, the caller must try once more for a free slot.
    fn join_line(&self) -> EventListener {
        let listener = self.line.listen();
        self.joined.fetch_add(1, Ordering::SeqCst);
        listener
    }

    fn leave_line(&self, listener: EventListener) {
        if listener.discard() {
            self.leave();
        }
    }
}

/// A place in line; ready when it has come to a slot.
#[derive(Debug)]
pub(crate) struct InLine<'a> {
    bulkhead: &'a Bulkhead,
    listener: Option<EventListener>,
}

impl Future for InLine<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let bulkhead = self.bulkhead;
        let Some(mut listener) = self.listener.take() else { return Poll::Ready(()) };
        if bulkhead.try_enter() {
            bulkhead.leave_line(listener);
            return Poll::Ready(());
        }
        let polled = Pin::new(&mut listener).poll(context);
        if polled.is_pending() {
            self.listener = Some(listener);
        }
        polled
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.take() {
            self.bulkhead.leave_line(listener);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Barrier;
    use std::task::Waker;
    use std::thread;

    use super::*;
    use crate::circuit::{Clock, Source};

    fn bulkhead(limit: u32, max_wait: Duration) -> Bulkhead {
        let clock = Source::new(Clock::System, Duration::ZERO);
        Bulkhead::new(limit, max_wait, Timer::of(&clock))
    }

    const LONG: Duration = Duration::from_secs(60);

    fn poll(future: Pin<&mut InLine<'_>>) -> Poll<()> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn no_more_than_the_limit_are_inside() {
        let bulkhead = bulkhead(2, Duration::ZERO);
        assert!(bulkhead.try_enter() && bulkhead.try_enter());
        assert!(!bulkhead.try_enter() && !bulkhead.enter_blocking());
        bulkhead.leave();
        assert!(bulkhead.try_enter() && !bulkhead.try_enter());
    }

    #[test]
    fn a_free_slot_goes_to_the_first_in_line_and_to_nobody_else() {
        let bulkhead = bulkhead(1, LONG);
        assert!(bulkhead.try_enter());
        let (mut first, mut second) =
            (pin!(bulkhead.stand_in_line()), pin!(bulkhead.stand_in_line()));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        bulkhead.leave();
        assert!(!bulkhead.try_enter());
        assert!(poll(second.as_mut()).is_pending() && poll(first.as_mut()).is_ready());
        bulkhead.leave();
        assert!(poll(second.as_mut()).is_ready());
        bulkhead.leave();
        assert!(bulkhead.try_enter());
    }

    #[test]
    fn a_second_slot_may_come_free_before_the_first_in_line_has_seen_its_own() {
        let bulkhead = bulkhead(2, LONG);
        assert!(bulkhead.try_enter() && bulkhead.try_enter());
        let mut waits = pin!(bulkhead.stand_in_line());
        assert!(poll(waits.as_mut()).is_pending());
        bulkhead.leave();
        bulkhead.leave();
        assert_eq!(bulkhead.used.load(Ordering::SeqCst), 1, "handed on, and not taken yet");
        assert!(poll(waits.as_mut()).is_ready());
        assert_eq!(bulkhead.used.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn whoever_leaves_the_line_leaves_nothing_behind() {
        let bulkhead = bulkhead(1, LONG);
        assert!(bulkhead.try_enter());
        let mut last = pin!(bulkhead.stand_in_line());
        {
            let mut gives_up = pin!(bulkhead.stand_in_line());
            let mut is_served = pin!(bulkhead.stand_in_line());
            assert!(poll(gives_up.as_mut()).is_pending() && poll(is_served.as_mut()).is_pending());
            bulkhead.leave();
        }
        assert!(poll(last.as_mut()).is_ready(), "a slot that came too late goes to the next");
        bulkhead.leave();
        assert_eq!(bulkhead.used.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_slot_that_came_too_late_is_free_if_nobody_else_waits() {
        let bulkhead = bulkhead(1, LONG);
        assert!(bulkhead.try_enter());
        {
            let mut gives_up = pin!(bulkhead.stand_in_line());
            assert!(poll(gives_up.as_mut()).is_pending());
            bulkhead.leave();
        }
        assert!(bulkhead.try_enter());
    }

    #[test]
    fn a_thread_waits_no_longer_than_it_may() {
        let bulkhead = bulkhead(1, Duration::from_millis(5));
        assert!(bulkhead.try_enter());
        assert!(!bulkhead.enter_blocking());
        bulkhead.leave();
        assert!(bulkhead.enter_blocking());
    }

    #[test]
    fn a_slot_that_becomes_free_while_somebody_joins_the_line_is_not_lost() {
        const ROUNDS: usize = 200_000;
        let bulkhead = bulkhead(1, LONG);
        let barrier = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..ROUNDS {
                    if bulkhead.try_enter() {
                        bulkhead.leave();
                    }
                }
            });
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..ROUNDS {
                    drop(bulkhead.stand_in_line());
                }
            });
        });
        assert_eq!(bulkhead.used.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn threads_and_futures_share_one_limit_and_lose_no_slot() {
        const LIMIT: u32 = 3;
        let bulkhead = bulkhead(LIMIT, LONG);
        let (inside, barrier) = (AtomicU32::new(0), Barrier::new(16));
        let visit = |entered: bool| {
            assert!(entered);
            assert!(inside.fetch_add(1, Ordering::SeqCst) < LIMIT);
            thread::yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
            bulkhead.leave();
        };
        thread::scope(|scope| {
            for thread in 0..16 {
                let (visit, bulkhead, barrier) = (&visit, &bulkhead, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for round in 0..300 {
                        if (thread + round) % 3 == 0 {
                            drop(bulkhead.stand_in_line());
                        }
                        visit(bulkhead.enter_blocking());
                    }
                });
            }
        });
        assert_eq!(bulkhead.used.load(Ordering::SeqCst), 0);
    }
}
