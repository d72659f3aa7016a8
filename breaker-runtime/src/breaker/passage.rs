//! A call's way through its circuit: state, bulkhead, state again if it waited, and back with an outcome.

use std::time::Duration;

use super::CircuitBreaker;
use crate::bulkhead::Bulkhead;
use crate::clock::Instant;
use crate::error::{Refusal, Rejected, RejectedReason, TimedOut};
use crate::event::{EventKind, LISTENERS};
use crate::machine::{Machine, Settlement, Ticket};
use crate::outcome::{Ended, Ending};
use crate::permit::{IfDropped, Permit};
use crate::state::State;
use crate::totals::Counter;

impl CircuitBreaker {
    /// Lets a call in if that takes no more than a look at the word.
    #[inline]
    pub(crate) fn acquire_at_once(&self, if_dropped: IfDropped) -> Option<Permit<'_>> {
        let word = self.word.load();
        if !self.is_plain || word.state() != State::Closed {
            return None;
        }
        self.totals.add_started();
        let ticket = Ticket { epoch: word.epoch(), probe: None };
        Some(Permit::new(self, ticket, None, if_dropped))
    }

    /// Lets a call in or refuses it, without waiting.
    #[inline]
    pub(crate) fn acquire(&self, if_dropped: IfDropped) -> Result<Permit<'_>, Rejected> {
        match self.acquire_at_once(if_dropped) {
            Some(permit) => Ok(permit),
            None => self.acquire_slowly(Bulkhead::try_enter, if_dropped),
        }
    }

    /// As [`acquire`](CircuitBreaker::acquire), but may block the thread for a slot of the bulkhead.
    #[inline]
    pub(crate) fn acquire_blocking(&self, if_dropped: IfDropped) -> Result<Permit<'_>, Rejected> {
        match self.acquire_at_once(if_dropped) {
            Some(permit) => Ok(permit),
            None => self.acquire_slowly(Bulkhead::enter_blocking, if_dropped),
        }
    }

    #[cold]
    #[inline(never)]
    fn acquire_slowly(
        &self,
        enter: fn(&Bulkhead) -> bool,
        if_dropped: IfDropped,
    ) -> Result<Permit<'_>, Rejected> {
        match &self.bulkhead {
            None => {
                let admitted = self.admit(if_dropped);
                self.deliver();
                admitted
            }
            Some(bulkhead) => {
                self.check()?;
                self.admit_behind(bulkhead, enter(bulkhead), if_dropped)
            }
        }
    }

    pub(crate) fn bulkhead(&self) -> Option<&Bulkhead> {
        self.bulkhead.as_deref()
    }

    /// Whether the state lets a call in, before it goes to the bulkhead: a refusal there must not start a
    /// half-open, and one here must not stand in line.
    pub(crate) fn check(&self) -> Result<(), Rejected> {
        if self.state() == State::Closed {
            return Ok(());
        }
        let checked = self.locked(Machine::check, rejection);
        self.deliver();
        checked.map_err(|refusal| self.reject(refusal))
    }

    pub(crate) fn admit_behind(
        &self,
        bulkhead: &Bulkhead,
        entered: bool,
        if_dropped: IfDropped,
    ) -> Result<Permit<'_>, Rejected> {
        let admitted = if entered {
            self.admit(if_dropped).inspect_err(|_| bulkhead.leave())
        } else {
            let refusal = Refusal::new(RejectedReason::BulkheadFull);
            self.post(|| EventKind::Rejected { reason: refusal.reason, retry_after: None });
            Err(self.reject(refusal))
        };
        self.deliver();
        admitted
    }

    /// Leaves the events to whoever called, to be told when a refused call holds nothing any more.
    fn admit(&self, if_dropped: IfDropped) -> Result<Permit<'_>, Rejected> {
        let word = self.word.load();
        let ticket = if word.state() == State::Closed {
            Ticket { epoch: word.epoch(), probe: None }
        } else {
            let admitted = self.locked(Machine::admit, rejection);
            admitted.map_err(|refusal| self.reject(refusal))?
        };
        self.totals.add_started();
        let began = self.slow_call.map(|_| self.clock.now());
        Ok(Permit::new(self, ticket, began, if_dropped))
    }

    /// Takes the outcome of a call.
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, began: Option<Instant>, ending: Ending) {
        let good = self.is_plain && ending == Ending::Success;
        if good && self.word.count_good(ticket.epoch) {
            self.totals.add_success();
        } else {
            self.settle_slowly(ticket, began, ending);
        }
    }

    /// Listeners are told last, when the call holds nothing any more.
    #[cold]
    #[inline(never)]
    fn settle_slowly(&self, ticket: Ticket, began: Option<Instant>, ending: Ending) {
        match ending {
            Ending::Success => self.totals.add_success(),
            other => self.totals.add(other),
        }
        let ended = Ended { ending, slow: self.is_slow(began) };
        let moved = !self.needs_no_lock(ticket, ended);
        if moved {
            self.record(ticket, ended);
        }
        if let Some(bulkhead) = &self.bulkhead {
            bulkhead.leave();
        }
        if moved {
            self.deliver();
        }
    }

    fn record(&self, ticket: Ticket, ended: Ended) {
        let settle = |machine: &mut Machine, now| machine.settle(ticket, ended, &self.word, now);
        let late = |settlement: &_| {
            (*settlement == Settlement::Late)
                .then(|| EventKind::Late { outcome: ended.ending.into() })
        };
        match self.locked(settle, late) {
            Settlement::Late => self.totals.add(Counter::Late),
            Settlement::Recorded if ended.slow => self.totals.add(Counter::Slow),
            Settlement::Recorded | Settlement::Neutral => {}
        }
    }

    /// Switches the circuit by hand.
    pub(super) fn control(&self, act: impl FnOnce(&mut Machine, Instant)) {
        self.locked(act, |()| None);
        self.deliver();
    }

    /// The time on the circuit's clock.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Whether nothing is lost with a circuit that nobody holds and nobody asked for in so long.
    pub(crate) fn is_disposable(&self, untouched: Duration) -> bool {
        let now = self.clock.now();
        let machine = self.machine.lock();
        machine.is_disposable(self.word.load().run(), untouched, now)
    }

    /// Takes over the totals of a circuit that goes.
    pub(crate) fn absorb(&self, gone: &Self) {
        self.totals.absorb(&gone.totals);
    }

    /// Counts a call that took longer than it was given.
    pub(crate) fn time_out(&self, limit: Duration) -> TimedOut {
        self.totals.add(Counter::TimedOut);
        TimedOut::new(self.name.clone(), limit)
    }

    pub(crate) fn count_panic(&self) {
        self.totals.add(Counter::Panicked);
    }

    fn reject(&self, refusal: Refusal) -> Rejected {
        self.totals.add(refusal.reason);
        Rejected::new(self.name.clone(), refusal)
    }

    fn is_slow(&self, began: Option<Instant>) -> bool {
        match (self.slow_call, began) {
            (Some(slow_call), Some(began)) => self.clock.now().since(began) > slow_call,
            _ => false,
        }
    }

    /// A call of a circuit that was closed all along and that is not bad changes the run at most.
    fn needs_no_lock(&self, ticket: Ticket, ended: Ended) -> bool {
        if ended.is_bad() {
            false
        } else if ended.ending == Ending::Success {
            !self.takes_good_calls && self.word.count_good(ticket.epoch)
        } else {
            self.word.load().is_closed_in(ticket.epoch)
        }
    }

    /// Runs `act` on the machine and shows what came of it. No user code runs in here (R20): events are
    /// only posted, under the lock that puts them in order, changes of state before what they led to.
    fn locked<R>(
        &self,
        act: impl FnOnce(&mut Machine, Instant) -> R,
        news_of: impl FnOnce(&R) -> Option<EventKind>,
    ) -> R {
        let now = self.clock.now();
        let mut machine = self.machine.lock();
        let done = act(&mut machine, now);
        self.word.publish(machine.epoch(), machine.state());
        for transition in machine.take_news() {
            self.post(|| EventKind::Transition(transition));
        }
        if let Some(news) = news_of(&done) {
            self.post(|| news);
        }
        done
    }

    pub(crate) fn post(&self, kind: impl FnOnce() -> EventKind) {
        if let Some(outbox) = self.outbox.as_ref().filter(|_| LISTENERS.any()) {
            outbox.post(kind());
        }
    }

    pub(crate) fn deliver(&self) {
        if let Some(outbox) = &self.outbox {
            outbox.deliver(self.name());
        }
    }
}

fn rejection<T>(admitted: &Result<T, Refusal>) -> Option<EventKind> {
    let Refusal { reason, retry_after } = *admitted.as_ref().err()?;
    Some(EventKind::Rejected { reason, retry_after })
}
