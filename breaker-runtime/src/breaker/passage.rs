//! A call's way through its circuit: state, bulkhead, state again if it waited, and back with an outcome.

use std::cell::Cell;
use std::time::Duration;

use super::CircuitBreaker;
use crate::bulkhead::Bulkhead;
use crate::clock::{self, Instant, Source, Stopwatch};
use crate::error::{Refusal, Rejected, RejectedReason, TimedOut};
use crate::event::{EventKind, LISTENERS, Outbox, Topic};
use crate::machine::{GoodCalls, Machine, Settlement, Ticket};
use crate::outcome::{Ended, Ending};
use crate::permit::{Admission, IfDropped, Permit};
use crate::state::State;
use crate::totals::{Counter, Hot};
use crate::window::Good;
use crate::word::{Epoch, Uncounted, Word};

impl CircuitBreaker {
    /// Lets a call in if that takes no more than a look at the word. `None` says nothing.
    #[inline]
    pub(crate) fn admit_at_once(&self) -> Option<Admission<'_>> {
        let word = self.word.load();
        let is_let_in = word.lets_anyone_in() && self.totals.add_at_once(Hot::Started);
        is_let_in.then(|| Admission::new(self, word.epoch()))
    }

    /// Lets a call in or refuses it. `enter` says how long it may wait for a slot of the bulkhead.
    #[inline]
    pub(crate) fn acquire(
        &self,
        enter: fn(&Bulkhead) -> bool,
        if_dropped: IfDropped,
    ) -> Result<Permit<'_>, Rejected> {
        if let Some(admission) = self.admit_at_once() {
            return Ok(admission.permit_for(if_dropped));
        }
        // By way of a variable: so a permit that was given at once need not have an address.
        let permit = self.acquire_slowly(enter, if_dropped)?;
        Ok(permit)
    }

    #[inline(never)]
    pub(crate) fn acquire_slowly(
        &self,
        enter: fn(&Bulkhead) -> bool,
        if_dropped: IfDropped,
    ) -> Result<Permit<'_>, Rejected> {
        if let Some(bulkhead) = &self.bulkhead {
            return self.acquire_behind(bulkhead, enter, if_dropped);
        }
        let word = self.word.load();
        if word.is_closed() {
            Ok(self.begin(Ticket::of(word.epoch()), if_dropped))
        } else if let Some(rejected) = self.refuse_at_once(word) {
            Err(rejected)
        } else {
            self.ask(if_dropped)
        }
    }

    #[inline(never)]
    fn acquire_behind(
        &self,
        bulkhead: &Bulkhead,
        enter: fn(&Bulkhead) -> bool,
        if_dropped: IfDropped,
    ) -> Result<Permit<'_>, Rejected> {
        self.check()?;
        self.admit_behind(bulkhead, enter(bulkhead), if_dropped)
    }

    pub(crate) fn bulkhead(&self) -> Option<&Bulkhead> {
        self.bulkhead.as_deref()
    }

    /// Whether the state lets a call in, before it goes to the bulkhead: a refusal there must not start a
    /// half-open, and one here must not stand in line.
    pub(crate) fn check(&self) -> Result<(), Rejected> {
        let word = self.word.load();
        if word.is_closed() {
            return Ok(());
        }
        if let Some(rejected) = self.refuse_at_once(word) {
            return Err(rejected);
        }
        let checked = self.locked(self.clock.now(), Machine::check, rejection);
        self.deliver();
        checked.map_err(|refusal| self.reject(refusal))
    }

    /// Refuses a call of an open circuit without the lock: until its cooldown is over it stays open.
    #[inline]
    fn refuse_at_once(&self, seen: Word) -> Option<Rejected> {
        let until = self.word.open_until(seen)?;
        let now = self.clock.now();
        if now >= until {
            return None;
        }
        let refusal = Refusal::open(now.left_to(until).at_most(self.longest_cooldown));
        match self.audience(Topic::Calls) {
            None => self.totals.add_hot(Hot::Refused),
            Some(outbox) => self.refuse_aloud(outbox, seen.epoch(), refusal)?,
        }
        Some(Rejected::new(self.name.clone(), refusal))
    }

    /// The same with listeners. `None` until they were told of the change of state that led here: it is the
    /// lock that puts the two in order.
    #[cold]
    #[inline(never)]
    fn refuse_aloud(&self, outbox: &Outbox, epoch: Epoch, refusal: Refusal) -> Option<()> {
        let count = || self.totals.add_hot(Hot::Refused);
        outbox.refuse(self.name(), epoch, refusal.into(), count)
    }

    /// Asks the machine.
    #[cold]
    #[inline(never)]
    fn ask(&self, if_dropped: IfDropped) -> Result<Permit<'_>, Rejected> {
        let admitted = self.admit(if_dropped);
        self.deliver_before(admitted)
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
            self.post(Topic::Calls, || refusal.into());
            Err(self.reject(refusal))
        };
        self.deliver_before(admitted)
    }

    /// Tells what waits before the call goes on. What listeners take is not time of the call.
    fn deliver_before<'a>(
        &'a self,
        mut admitted: Result<Permit<'a>, Rejected>,
    ) -> Result<Permit<'a>, Rejected> {
        if self.deliver()
            && let Ok(permit) = &mut admitted
        {
            permit.begin_again();
        }
        admitted
    }

    /// Leaves the events to whoever called, to be told when a refused call holds nothing any more.
    fn admit(&self, if_dropped: IfDropped) -> Result<Permit<'_>, Rejected> {
        let word = self.word.load();
        let ticket = if word.is_closed() {
            Ticket::of(word.epoch())
        } else {
            let admitted = self.locked(self.clock.now(), Machine::admit, rejection);
            admitted.map_err(|refusal| self.reject(refusal))?
        };
        Ok(self.begin(ticket, if_dropped))
    }

    #[inline]
    fn begin(&self, ticket: Ticket, if_dropped: IfDropped) -> Permit<'_> {
        self.totals.add_hot(Hot::Started);
        Permit::new(self, ticket, self.start(), if_dropped)
    }

    /// What a call must remember that starts now.
    #[inline]
    fn start(&self) -> Instant {
        match self.stopwatch {
            Stopwatch::None => Instant::ZERO,
            Stopwatch::Clock => self.clock.now(),
            Stopwatch::Counter => clock::counter(),
        }
    }

    /// Has a call that was let in begin now. Until here a probe had a deadline all the same, so that a listener
    /// that never returns keeps no slot.
    pub(crate) fn begin_again(&self, ticket: Ticket) -> (Ticket, Instant) {
        let now = self.clock.now();
        let ticket = match ticket.probe {
            Some(_) => self.locked(now, |machine, now| machine.begin_again(ticket, now), |_| None),
            None => ticket,
        };
        (ticket, self.start())
    }

    /// Takes the outcome of a call.
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, began: Instant, ending: Ending) {
        if ending == Ending::Success && self.word.count_good_at_once(ticket.epoch) {
            self.totals.add_hot(Hot::Good);
        } else {
            self.settle_slowly(ticket, began, ending);
        }
    }

    #[inline(never)]
    fn settle_slowly(&self, ticket: Ticket, began: Instant, ending: Ending) {
        let reads_clock = self.reads_clock || self.word.load().is_closed_for_a_time();
        let now = reads_clock.then(|| self.clock.now());
        let slow = match (self.stopwatch, now) {
            (Stopwatch::Clock, Some(now)) => now.is_later(began, self.slow_after),
            (Stopwatch::None | Stopwatch::Clock, _) => false,
            (Stopwatch::Counter, _) => clock::counter().is_later(began, self.slow_after),
        };
        let ended = Ended { ending, slow };
        if !self.count_alone(ticket.epoch, ended, now) {
            self.tell(ticket, ended, now);
        } else if let Some(bulkhead) = &self.bulkhead {
            bulkhead.leave();
        }
    }

    /// Counts a call that the machine need not be told of: one of a circuit that was closed all along, and
    /// not bad.
    fn count_alone(&self, epoch: Epoch, ended: Ended, now: Option<Instant>) -> bool {
        if ended.is_bad() {
            return false;
        }
        if ended.ending != Ending::Success {
            let word = self.word.load();
            let is_neutral = word.is_closed_in(epoch) && !word.is_closed_for_a_time();
            if is_neutral {
                self.totals.add(ended.ending);
            }
            return is_neutral;
        }
        match now {
            Some(now) if !self.word.has_run() => self.count_by_time(epoch, now),
            _ => self.count_in_run(epoch, now),
        }
    }

    fn count_in_run(&self, epoch: Epoch, now: Option<Instant>) -> bool {
        // A timed order may have ended, and the epoch with it.
        if let Some(now) = now.filter(|now| self.word.is_over(*now)) {
            self.turn(now);
        }
        let Some(fills_run) = self.word.count_good(epoch) else { return false };
        self.totals.add_hot(Hot::Good);
        if fills_run {
            self.forget();
        }
        true
    }

    /// Counts a good call of a window of time. The call shows that it is in time, and counts itself after that.
    /// If the epoch ends in between, the call is not among those of the next, and counts as late.
    fn count_by_time(&self, epoch: Epoch, now: Instant) -> bool {
        let is_in_time = match self.word.check_good(epoch, now) {
            Ok(()) => true,
            Err(Uncounted::TooLate) => false,
            Err(Uncounted::AtAnEdge) => {
                self.turn(now);
                self.word.load().is_closed_in(epoch)
            }
        };
        if is_in_time {
            self.totals.add_good_of(epoch);
        }
        is_in_time
    }

    /// Gives back the memory of bad calls that a full run of good ones has pushed out of the window.
    #[cold]
    #[inline(never)]
    fn forget(&self) {
        let forgotten = {
            let mut machine = self.machine.lock();
            // A bad call may have ended the run meanwhile.
            self.word.is_full().then(|| machine.forget())
        };
        drop(forgotten);
    }

    /// The edge of a bucket has come.
    #[cold]
    #[inline(never)]
    fn turn(&self, now: Instant) {
        let good = GoodNow::of(self);
        self.locked_with(&good, now, |machine, now| machine.turn(&good, now), |()| None);
    }

    /// Tells the machine of a call. Listeners are told last, when the call holds nothing any more.
    #[cold]
    #[inline(never)]
    fn tell(&self, ticket: Ticket, ended: Ended, now: Option<Instant>) {
        self.totals.add(ended.ending);
        self.record(ticket, ended, now.unwrap_or_else(|| self.clock.now()));
        if let Some(bulkhead) = &self.bulkhead {
            bulkhead.leave();
        }
        self.deliver();
    }

    fn record(&self, ticket: Ticket, ended: Ended, now: Instant) {
        let good = GoodNow::of(self);
        let settle = |machine: &mut Machine, now| machine.settle(ticket, ended, &good, now);
        let late = |settlement: &_| {
            (*settlement == Settlement::Late)
                .then(|| EventKind::Late { outcome: ended.ending.into() })
        };
        match self.locked_with(&good, now, settle, late) {
            Settlement::Late => self.totals.add(Counter::Late),
            Settlement::Recorded if ended.slow => self.totals.add(Counter::Slow),
            Settlement::Recorded | Settlement::Neutral => {}
        }
    }

    /// Switches the circuit by hand.
    pub(super) fn control(&self, act: impl FnOnce(&mut Machine, Instant)) {
        self.locked(self.clock.now(), act, |()| None);
        self.deliver();
    }

    pub(crate) fn clock(&self) -> &Source {
        &self.clock
    }

    /// Whether nothing is lost with a circuit that nobody holds and nobody asked for in so long.
    pub(crate) fn is_disposable(&self, untouched: Duration) -> bool {
        let now = self.clock.now();
        let machine = self.machine.lock();
        machine.is_disposable(self.good(&machine), untouched, now)
    }

    /// Takes over what a circuit that goes has counted and been through, so that no sum goes backwards.
    pub(crate) fn absorb(&self, gone: &Self) {
        self.totals.absorb(&gone.totals);
        let past = gone.machine.lock().past(gone.clock.now());
        self.machine.lock().absorb(past);
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

    /// The good calls, as far as its machine goes by them.
    pub(super) fn good(&self, machine: &Machine) -> Good {
        let all = if machine.counts_all() { self.totals.good_now() } else { 0 };
        Good { run: self.word.run(), all }
    }

    /// Runs `act` on the machine and shows what came of it. No user code runs in here (R20): events are
    /// only posted, under the lock that puts them in order, changes of state before what they led to.
    fn locked<R>(
        &self,
        now: Instant,
        act: impl FnOnce(&mut Machine, Instant) -> R,
        news_of: impl FnOnce(&R) -> Option<EventKind>,
    ) -> R {
        self.locked_with(&GoodNow::of(self), now, act, news_of)
    }

    /// The same, where `act` goes by those good calls.
    fn locked_with<R>(
        &self,
        good: &GoodNow<'_>,
        now: Instant,
        act: impl FnOnce(&mut Machine, Instant) -> R,
        news_of: impl FnOnce(&R) -> Option<EventKind>,
    ) -> R {
        let mut machine = self.machine.lock();
        let seen = self.word.load();
        let done = act(&mut machine, now);
        if !self.word.has_run() && machine.epoch() != seen.epoch() {
            // Before the word shows the epoch, and its good calls can be counted.
            let was_closed = seen.state() == State::Closed;
            let heard = if was_closed { good.all() } else { 0 };
            self.totals.begin_epoch(machine.epoch(), heard);
        }
        if machine.is_closed_for_a_time() {
            self.word.publish_closed_for_a_time(machine.epoch(), machine.holds_until());
        } else {
            self.word.publish(machine.epoch(), machine.state(), machine.holds_until());
        }
        let changes = machine.take_news().into_iter().map(EventKind::Transition);
        let of_call = news_of(&done).filter(|_| LISTENERS.any(Topic::Calls));
        let mut news = changes.chain(of_call).peekable();
        if news.peek().is_some()
            && let Some(outbox) = self.audience(Topic::Circuits)
        {
            outbox.post(Some(machine.epoch()), news);
        }
        done
    }

    /// Where to post what happens, if anybody wants to hear of it.
    fn audience(&self, of: Topic) -> Option<&Outbox> {
        let listing = self.listing.as_ref().filter(|_| LISTENERS.any(of))?;
        Some(listing.outbox.get_or_init(Box::default))
    }

    pub(crate) fn post(&self, topic: Topic, kind: impl FnOnce() -> EventKind) {
        if let Some(outbox) = self.audience(topic) {
            outbox.post(None, [kind()]);
        }
    }

    /// Says whether anything was told.
    pub(crate) fn deliver(&self) -> bool {
        let outbox = self.listing.as_ref().and_then(|listing| listing.outbox.get());
        outbox.is_some_and(|outbox| outbox.deliver(self.name()))
    }
}

/// The good calls of a circuit whose lock is held. However often it is asked, all are those of one moment: what
/// trips the circuit, and which good calls came in time, is decided on the same ones.
struct GoodNow<'a> {
    circuit: &'a CircuitBreaker,
    all: Cell<Option<u64>>,
}

impl<'a> GoodNow<'a> {
    fn of(circuit: &'a CircuitBreaker) -> Self {
        Self { circuit, all: Cell::new(None) }
    }
}

impl GoodCalls for GoodNow<'_> {
    fn end_run<V>(&self, judge: impl Fn(u32) -> Option<V>) -> (u32, Option<V>) {
        self.circuit.word.end_run(judge)
    }

    fn all(&self) -> u64 {
        let CircuitBreaker { totals, word, .. } = self.circuit;
        let all = self.all.get().unwrap_or_else(|| totals.good_at_one_moment(|| word.hold_up()));
        self.all.set(Some(all));
        all
    }
}

fn rejection<T>(admitted: &Result<T, Refusal>) -> Option<EventKind> {
    admitted.as_ref().err().copied().map(EventKind::from)
}

impl From<Refusal> for EventKind {
    fn from(refusal: Refusal) -> Self {
        Self::Rejected { reason: refusal.reason, retry_after: refusal.retry_after() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use once_cell::race::OnceBox;

    use super::super::Listing;
    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::config::Config;
    use crate::event::{Event, Subscription};
    use crate::mode::{Mode, Override};
    use crate::name::Name;
    use crate::provenance::Provenance;
    use crate::state::State;

    #[test]
    fn a_look_is_enough_for_all_calls_of_a_thread_but_the_first() {
        let circuit = CircuitBreaker::new("healthy", Config::new()).unwrap();
        circuit.try_acquire().unwrap().success();
        let permit = circuit.admit_at_once().expect("nothing else is to be done").permit();
        permit.success();
        circuit.force_open();
        assert!(circuit.admit_at_once().is_none());
        assert_eq!((circuit.totals.calls().started, circuit.totals.calls().success), (2, 2));
    }

    /// A circuit that is forced open, but not for the next minute.
    fn normal_for_a_minute(config: Config) -> (CircuitBreaker, ManualClock) {
        let time = ManualClock::new();
        let clock = Clock::Manual(time.clone());
        let circuit = CircuitBreaker::with_clock("normal", config, clock).unwrap();
        circuit.force_open();
        circuit.override_for(Override::Mode(Mode::Normal), Some(MINUTE), "").unwrap();
        (circuit, time)
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn r34_a_circuit_that_is_closed_for_a_time_counts_as_any_other() {
        let configs = [
            Config::new(),
            Config::new().time_window(MINUTE),
            Config::new().slow_call(MINUTE),
            Config::new().max_concurrent(9),
        ];
        for config in configs {
            let (circuit, _) = normal_for_a_minute(config.failure_threshold(2).failure_rate(1.0));
            for _ in 0..3 {
                circuit.try_acquire().unwrap().failure();
                circuit.try_acquire().unwrap().success();
            }
            circuit.try_acquire().unwrap().ignore();
            assert_eq!((circuit.snapshot().window_calls, circuit.state()), (6, State::Closed));
            circuit.try_acquire().unwrap().failure();
            circuit.try_acquire().unwrap().failure();
            assert_eq!((circuit.state(), circuit.snapshot().calls.late), (State::Open, 0));
        }
    }

    #[test]
    fn r34_a_circuit_that_is_closed_for_a_time_is_forced_open_after_it() {
        for config in [Config::new(), Config::new().max_concurrent(9)] {
            let (circuit, time) = normal_for_a_minute(config);
            let held = [(); 4].map(|()| circuit.try_acquire().unwrap());
            time.advance(MINUTE);
            assert_eq!(circuit.state(), State::ForcedOpen);
            let [good, failed, ignored, cancelled] = held;
            good.success();
            failed.failure();
            ignored.ignore();
            drop(cancelled);
            let snapshot = circuit.snapshot();
            assert_eq!((snapshot.calls.late, snapshot.in_flight), (4, 0));
            let rejected = circuit.try_acquire().unwrap_err();
            assert_eq!(rejected.reason(), RejectedReason::ForcedOpen);
            assert!(rejected.to_string().ends_with("until it is reset"));
        }
    }

    #[test]
    fn r34_the_first_outcome_after_the_end_of_an_order_takes_note_of_it() {
        for ending in [Ending::Success, Ending::Failure, Ending::Ignored, Ending::Cancelled] {
            let (circuit, time) = normal_for_a_minute(Config::new());
            let permit = circuit.try_acquire().unwrap();
            time.advance(MINUTE);
            permit.settle(ending);
            assert_eq!(circuit.word.load().state(), State::ForcedOpen, "{ending:?}");
            assert_eq!(circuit.snapshot().calls.late, 1, "{ending:?}");
        }
    }

    #[test]
    fn r34_an_open_circuit_refuses_until_its_cooldown_whatever_ends_before() {
        let (circuit, time) = normal_for_a_minute(Config::new().cooldown(MINUTE * 5));
        circuit.trip();
        let rejected = circuit.try_acquire().unwrap_err();
        assert_eq!(rejected.retry_after(), Some(MINUTE * 5));
        time.advance(MINUTE);
        assert_eq!(circuit.try_acquire().unwrap_err().reason(), RejectedReason::ForcedOpen);
    }

    #[test]
    fn r06_an_open_circuit_refuses_without_the_lock() {
        let circuit = CircuitBreaker::new("open", Config::new()).unwrap();
        circuit.trip();
        let _held = circuit.machine.lock();
        let rejected = circuit.refuse_at_once(circuit.word.load()).expect("it is open");
        assert_eq!(rejected.reason(), RejectedReason::Open);
        assert_eq!(circuit.totals.rejections().open, 1);
    }

    /// A circuit on a clock of its own that listeners hear of, and a listener that takes so long each time.
    fn listened_to(
        name: &'static str,
        config: Config,
        takes: Duration,
    ) -> (Arc<CircuitBreaker>, ManualClock, Subscription) {
        let time = ManualClock::new();
        let listing = Listing { outbox: OnceBox::new(), provenance: Provenance::decided(None) };
        let clock = Clock::Manual(time.clone());
        let circuit =
            CircuitBreaker::valid(Name::Static(name), config, clock, Some(listing.into()));
        let moved = time.clone();
        let tell = move |event: &Event| {
            if event.name == name {
                moved.advance(takes);
            }
        };
        (Arc::new(circuit), time, LISTENERS.add(Topic::Calls, tell, Vec::new))
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn r05_a_probe_is_not_slow_because_a_listener_was() {
        let config = Config::new().slow_call(SECOND).success_threshold(1).cooldown(SECOND * 60);
        let (circuit, time, _listening) = listened_to("slow listener", config, SECOND * 5);
        circuit.trip();
        time.advance(SECOND * 60);
        circuit.try_acquire().unwrap().success();
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.calls.slow), (State::Closed, 0));
    }

    #[test]
    fn r12_the_time_of_a_probe_begins_after_listeners_were_told() {
        let config = Config::new().probe_timeout(SECOND * 2).half_open_max_calls(2);
        let (circuit, time, _listening) = listened_to("slow listener, probe", config, SECOND * 5);
        circuit.trip();
        time.advance(SECOND * 60);
        let first = circuit.try_acquire().unwrap();
        time.advance(SECOND);
        let second = circuit.try_acquire().unwrap();
        time.advance(SECOND);
        assert!(circuit.try_acquire().is_err(), "the first is lost two seconds after it began");
        drop((first, second));
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.probes.lost, snapshot.state), (1, State::Open));
    }
}
