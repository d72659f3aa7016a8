//! The queue of one circuit's events: in order, each once (R21), and without making one caller deliver for all (R35).
//!
//! One caller at a time has the *turn* to deliver. Changes of state that are posted meanwhile are queued. Events of
//! calls are merged: only the last one of a row is queued, with the number of those before it. The caller with the
//! turn delivers what was queued, then what came meanwhile. After that it offers the turn to other callers. It goes
//! on only if none comes for as long as the last round took.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::event::Happened;
use super::listeners::{Listeners, Numbered, Teller};
use crate::circuit::{AtomicBool, Epoch, Mutex, MutexGuard, Patience, Topic};

/// The most rounds of one turn, unless changes of state wait. What is left of calls goes with the next event.
/// Otherwise a listener that is refused by the very circuit it hears of would hold its caller forever.
const MOST_ROUNDS: u32 = 8;
/// The room that an empty queue keeps.
const ROOM: usize = 16;

/// The events of one circuit that are not delivered yet.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Read before the lock is taken: most often there is nothing to tell.
    is_waiting: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Numbered>,
    last: u64,
    last_change: u64,
    /// Events of calls that were dropped; the next event carries their number.
    missed: u64,
    /// Where the changes of state that were posted lead to, if that is where the circuit is.
    epoch: Option<Epoch>,
    /// Some caller has the turn. Others only add to the queue.
    is_told: bool,
    /// The number of turns and rounds so far.
    turns: u64,
    /// Taken out while some caller has the turn.
    teller: Option<Box<Teller>>,
}

impl Queue {
    fn add(&mut self, happened: Happened) {
        self.last += 1;
        let mut event = Numbered { of_all: self.last, of_changes: 0, missed: 0, happened };
        match event.happened.kind.topic() {
            Topic::Circuits => {
                self.last_change += 1;
                event.of_changes = self.last_change;
            }
            Topic::Calls if self.is_told => {
                if self.waiting.back().is_some_and(Numbered::is_of_a_call) {
                    event.missed = self.waiting.pop_back().map_or(0, |merged| merged.missed + 1);
                }
            }
            Topic::Calls => {}
        }
        event.missed += mem::take(&mut self.missed);
        self.waiting.push_back(event);
    }

    /// Counts the events of calls instead of telling them, if no change of state is among them.
    fn give_up(&mut self) {
        if self.waiting.iter().all(Numbered::is_of_a_call) {
            self.missed += self.waiting.drain(..).map(|event| event.missed + 1).sum::<u64>();
        }
    }
}

impl Outbox {
    /// Forgets all events and their numbers.
    #[cfg(feature = "test-util")]
    pub(super) fn clear(&self) {
        let mut queue = self.queue.lock();
        *queue = Queue::default();
        self.is_waiting.store(false, Ordering::Release);
    }

    /// Adds events, in their order, to be delivered by the next [`deliver`](Self::deliver). `epoch` is where the
    /// circuit is after them. Called under the lock that puts the events of the circuit in order.
    pub(super) fn post(&self, epoch: Option<Epoch>, news: impl IntoIterator<Item = Happened>) {
        let mut queue = self.queue.lock();
        self.is_waiting.store(true, Ordering::Release);
        queue.epoch = epoch.or(queue.epoch);
        news.into_iter().for_each(|happened| queue.add(happened));
    }

    /// Adds a refusal in that epoch without the lock that puts events in order, and tells it. `None`, and nothing
    /// is done, unless the last change of state that was posted led to that epoch: then none is yet to come
    /// before the refusal, and none that comes after it was posted already.
    pub(super) fn refuse(
        &self,
        name: &str,
        listeners: &Listeners,
        epoch: Epoch,
        refusal: Happened,
        count: impl FnOnce(),
    ) -> Option<()> {
        let mut queue = self.queue.lock();
        if queue.epoch != Some(epoch) {
            return None;
        }
        self.is_waiting.store(true, Ordering::Release);
        queue.add(refusal);
        count();
        if !queue.is_told {
            self.take_turn(queue, name, listeners);
        }
        Some(())
    }

    /// Tells what waits, unless another thread, or a caller further up this one, is at it. Returns whether anything
    /// was delivered. Called without any lock.
    pub(crate) fn deliver(&self, name: &str, listeners: &Listeners) -> bool {
        if !self.is_waiting.load(Ordering::Acquire) {
            return false;
        }
        let queue = self.queue.lock();
        let is_due = !queue.is_told && !queue.waiting.is_empty();
        if is_due {
            self.take_turn(queue, name, listeners);
        }
        is_due
    }

    fn take_turn<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        name: &str,
        listeners: &Listeners,
    ) {
        for round in 0.. {
            // Most often there is one round, which needs no clock.
            let began = (round > 0).then(Instant::now);
            queue.turns += 1;
            let turn = queue.turns;
            queue = self.tell(queue, name, listeners);
            if round + 1 >= MOST_ROUNDS {
                queue.give_up();
            }
            if queue.waiting.is_empty() {
                if queue.waiting.capacity() > ROOM {
                    queue.waiting.shrink_to(ROOM);
                }
                self.is_waiting.store(false, Ordering::Release);
                return;
            }
            if let Some(began) = began {
                drop(queue);
                let Some(returned) = self.offer(turn, began.elapsed()) else { return };
                queue = returned;
            }
        }
    }

    /// Tells what waits now.
    fn tell<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        name: &str,
        listeners: &Listeners,
    ) -> MutexGuard<'a, Queue> {
        queue.is_told = true;
        let mut teller = queue.teller.take().unwrap_or_else(|| Teller::new(name).into());
        for _ in 0..queue.waiting.len() {
            let Some(event) = queue.waiting.pop_front() else { break };
            drop(queue);
            teller.tell(event, listeners);
            queue = self.queue.lock();
        }
        queue.teller = Some(teller);
        queue.is_told = false;
        queue
    }

    /// Lets another caller take the turn. `None` if one did; all that waits is its business then.
    fn offer(&self, turn: u64, lasts: Duration) -> Option<MutexGuard<'_, Queue>> {
        let patience = Patience::new(lasts);
        loop {
            let is_over = patience.wait();
            let queue = self.queue.lock();
            if queue.turns != turn {
                return None;
            }
            if is_over {
                return Some(queue);
            }
        }
    }
}

impl Numbered {
    fn is_of_a_call(&self) -> bool {
        self.happened.kind.topic() == Topic::Calls
    }
}
