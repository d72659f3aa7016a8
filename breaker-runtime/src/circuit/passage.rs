//! How a call begins: check the state, enter the bulkhead, check the state again. `ending.rs` has how it ends.

use std::time::Duration;

use super::audience::{Audience, News, Topic};
use super::breaker::CircuitBreaker;
use super::bulkhead::Bulkhead;
use super::claim::Claim;
use super::clock::{self, Source, Stopwatch};
use super::error::Rejected;
use super::extras::Extras;
use super::permit::{Admission, IfDropped, Permit};
use super::totals::{Counter, Hot};
use super::word::{Epoch, Word};
use crate::rules::{Admitted, Instant, Machine, Refusal, RejectedReason, Ticket};

/// Stands here because the steps of one call are read in one piece, apart from what users see.
impl CircuitBreaker {
    /// Fast path: admits the call if the word alone allows it. `None` means "take the slow path".
    #[inline]
    pub(crate) fn admit_at_once(&self) -> Option<Admission<'_>> {
        let word = self.word.load();
        let is_let_in = word.lets_anyone_in() && self.totals.add_at_once(Hot::Started);
        is_let_in.then(|| Admission::new(self, word.epoch()))
    }

    /// Lets a call in or refuses it. `enter` says how long it may wait for a slot of the bulkhead.
    #[inline]
    pub(crate) fn let_in(
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
        match self.extras.get() {
            None => self.acquire_by_state(if_dropped),
            Some(extras) => self.acquire_with(extras, enter, if_dropped),
        }
    }

    #[inline(never)]
    fn acquire_by_state(&self, if_dropped: IfDropped) -> Result<Permit<'_>, Rejected> {
        let word = self.word.load();
        if word.is_closed() {
            return Ok(self.begin(Claim::of(word.epoch()), if_dropped));
        }
        match self.refuse_at_once(word) {
            Some(rejected) => Err(rejected),
            None => self.ask(if_dropped),
        }
    }

    /// Acquires a permit of a circuit that has more than a state.
    #[inline(never)]
    fn acquire_with(
        &self,
        extras: &Extras,
        enter: fn(&Bulkhead) -> bool,
        if_dropped: IfDropped,
    ) -> Result<Permit<'_>, Rejected> {
        if extras.bulkhead.is_on() {
            return self.acquire_behind(&extras.bulkhead, enter, if_dropped);
        }
        match self.acquire_watched(extras, if_dropped) {
            Some(permit) => Ok(permit),
            None => self.acquire_by_state(if_dropped),
        }
    }

    fn acquire_behind(
        &self,
        bulkhead: &Bulkhead,
        enter: fn(&Bulkhead) -> bool,
        if_dropped: IfDropped,
    ) -> Result<Permit<'_>, Rejected> {
        self.check()?;
        // An observed circuit refuses no call here, so no call waits in line.
        let entered = bulkhead.try_enter()
            || !self.is_observing() && {
                let entered = enter(bulkhead);
                self.look_after_wait();
                entered
            };
        self.admit_behind(bulkhead, entered, if_dropped)
    }

    /// Like [`acquire`](Self::acquire) for a call that can wait as a future. `None` if it has to.
    pub(super) fn admit_unless_full(&self) -> Option<Result<Permit<'_>, Rejected>> {
        match self.bulkhead() {
            Some(bulkhead) => self.admit_behind_at_once(bulkhead),
            None => Some(self.acquire_slowly(Bulkhead::try_enter, IfDropped::Panicked)),
        }
    }

    /// The same behind a bulkhead.
    pub(super) fn admit_behind_at_once(
        &self,
        bulkhead: &Bulkhead,
    ) -> Option<Result<Permit<'_>, Rejected>> {
        if let Err(rejected) = self.check() {
            return Some(Err(rejected));
        }
        let entered = bulkhead.try_enter();
        // An observed circuit refuses no call here, so no call waits in line.
        let waits = !entered && !bulkhead.max_wait().is_zero() && !self.is_observing();
        (!waits).then(|| self.admit_behind(bulkhead, entered, IfDropped::Panicked))
    }

    pub(crate) fn bulkhead(&self) -> Option<&Bulkhead> {
        self.extras.get().map(|extras| &extras.bulkhead).filter(|bulkhead| bulkhead.is_on())
    }

    /// Whether the state lets a call in, before it goes to the bulkhead: a refusal there must not start a
    /// half-open, and one here must not stand in line.
    pub(crate) fn check(&self) -> Result<(), Rejected> {
        if let Some(extras) = self.extras.get()
            && self.look_for_hung(extras, None)
        {
            self.deliver();
        }
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
    #[expect(clippy::inline_always, reason = "a refusal that is handed on is copied")]
    #[inline(always)]
    fn refuse_at_once(&self, seen: Word) -> Option<Rejected> {
        let until = self.word.open_until(seen)?;
        let now = self.clock.now();
        if now >= until {
            return None;
        }
        let refusal = Refusal::open(now.left_to(until).at_most(self.dials.longest_refusal()));
        match self.audience(Topic::Calls) {
            None => self.totals.add_hot(Hot::Refused),
            Some(audience) => self.refuse_aloud(audience, seen.epoch(), refusal)?,
        }
        Some(Rejected::new(self.name.clone(), refusal))
    }

    /// The same with listeners. `None` until they were told of the change of state that led here: it is the
    /// lock that puts the two in order.
    #[cold]
    #[inline(never)]
    fn refuse_aloud(&self, audience: &dyn Audience, epoch: Epoch, refusal: Refusal) -> Option<()> {
        audience.refuse(epoch, refusal, &|| self.totals.add_hot(Hot::Refused))
    }

    /// Asks the machine.
    #[cold]
    #[inline(never)]
    fn ask(&self, if_dropped: IfDropped) -> Result<Permit<'_>, Rejected> {
        let mut admitted = self.admit(false, if_dropped);
        self.deliver_before(&mut admitted);
        admitted
    }

    pub(crate) fn admit_behind(
        &self,
        bulkhead: &Bulkhead,
        entered: bool,
        if_dropped: IfDropped,
    ) -> Result<Permit<'_>, Rejected> {
        let mut admitted = if entered {
            self.admit(true, if_dropped).inspect_err(|_| bulkhead.leave())
        } else if self.is_observing() {
            self.count_would_reject(RejectedReason::BulkheadFull);
            Ok(self.begin(Claim::of(self.word.load().epoch()), if_dropped))
        } else {
            Err(self.refuse(Refusal::new(RejectedReason::BulkheadFull)))
        };
        self.deliver_before(&mut admitted);
        admitted
    }

    /// Refuses a call that the machine is not asked about. Posts the refusal and delivers nothing.
    pub(super) fn refuse(&self, refusal: Refusal) -> Rejected {
        if let Some(audience) = self.audience(Topic::Calls) {
            audience.post_refusal(refusal);
        }
        self.reject(refusal)
    }

    /// Tells what waits before the call goes on. What listeners take is not time of the call.
    #[inline]
    fn deliver_before(&self, admitted: &mut Result<Permit<'_>, Rejected>) {
        if self.deliver()
            && let Ok(permit) = admitted
        {
            permit.begin_again();
        }
    }

    /// Delivers no events: the caller does, once a refused call holds nothing any more.
    fn admit(&self, has_slot: bool, if_dropped: IfDropped) -> Result<Permit<'_>, Rejected> {
        let word = self.word.load();
        let claim: Claim = if word.is_closed() {
            Claim::of(word.epoch())
        } else {
            let admitted = self.locked(self.clock.now(), Machine::admit, rejection);
            let Admitted { ticket, would_reject } =
                admitted.map_err(|refusal| self.reject(refusal))?;
            if let Some(reason) = would_reject {
                return Ok(self.let_in_all_the_same(ticket, reason, has_slot, if_dropped));
            }
            ticket.into()
        };
        Ok(self.begin(claim.with_slot(has_slot), if_dropped))
    }

    /// A call that only an observed circuit lets in (R25). It takes no slot from those that would run otherwise.
    #[cold]
    fn let_in_all_the_same(
        &self,
        ticket: Ticket,
        reason: RejectedReason,
        has_slot: bool,
        if_dropped: IfDropped,
    ) -> Permit<'_> {
        self.count_would_reject(reason);
        if has_slot {
            self.leave_bulkhead();
        }
        self.begin(ticket.into(), if_dropped)
    }

    fn count_would_reject(&self, reason: RejectedReason) {
        if let Some(counter) = Counter::would_reject(reason) {
            self.totals.add(counter);
        }
    }

    /// Whether the circuit judges but refuses no call.
    pub(super) fn is_observing(&self) -> bool {
        self.dials.is_observing()
    }

    #[inline]
    fn begin(&self, claim: Claim, if_dropped: IfDropped) -> Permit<'_> {
        self.totals.add_hot(Hot::Started);
        let (claim, began) = self.start(claim);
        Permit::new(self, claim, began, if_dropped)
    }

    /// Starts the time of a call, if its circuit times any.
    #[inline]
    fn start(&self, claim: Claim) -> (Claim, Instant) {
        let stopwatch = self.dials.stopwatch();
        let began = match stopwatch {
            Stopwatch::None => Instant::ZERO,
            Stopwatch::Clock => self.clock.now(),
            Stopwatch::Counter => clock::counter(),
            Stopwatch::Watched => return self.start_watched(claim),
        };
        (claim.timed_by(stopwatch), began)
    }

    /// Has a call that was let in begin now. A probe had a deadline before that too, so that a listener
    /// that never returns keeps no slot.
    pub(super) fn begin_again(&self, claim: Claim, began: Instant) -> (Claim, Instant) {
        if let Some(extras) = self.extras.get()
            && Self::end_watch(extras, claim, began)
        {
            // It hung before it began, and is late.
            return (claim, began);
        }
        let now = self.clock.now();
        let claim = match claim.probe {
            Some(_) => {
                let again = |machine: &mut Machine, now| machine.begin_again(claim.into(), now);
                claim.again(self.locked(now, again, |_| None))
            }
            None => claim.again(claim.into()),
        };
        self.start(claim)
    }

    /// Switches the circuit by hand.
    pub(super) fn control(&self, act: impl FnOnce(&mut Machine, Instant)) {
        self.locked(self.clock.now(), act, |()| None);
        self.deliver();
    }

    pub(crate) fn clock(&self) -> &Source {
        &self.clock
    }

    /// The time to the nanosecond.
    pub(super) fn precise_now(&self) -> Instant {
        self.clock.precise().now()
    }

    /// Whether a circuit that was not asked for in that time can be evicted without losing anything.
    pub(crate) fn is_disposable(&self, untouched: Duration) -> bool {
        let now = self.clock.now();
        let machine = self.machine.lock();
        machine.is_disposable(self.good(&machine), untouched, now)
    }

    /// Takes over what a circuit that goes has counted and been through, so that no sum goes backwards.
    pub(crate) fn absorb(&self, gone: &Self) {
        self.totals.absorb(&gone.totals);
        if let (Some(own), Some(other)) = (self.histograms(), gone.histograms()) {
            own.absorb(other);
        }
        let past = gone.machine.lock().past(gone.clock.now());
        self.machine.lock().absorb(past);
    }

    pub(super) fn reject(&self, refusal: Refusal) -> Rejected {
        self.totals.add(refusal.reason);
        Rejected::new(self.name.clone(), refusal)
    }
}

fn rejection<T>(admitted: &Result<T, Refusal>) -> Option<News> {
    admitted.as_ref().err().copied().map(News::Rejected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Clock, ManualClock};
    use crate::rules::Override;
    use crate::rules::{Ending, State};
    use crate::settings::{Config, Mode};

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
}
