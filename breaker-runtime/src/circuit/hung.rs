//! Calls that hang: found when a call begins, ends or is refused, and told to the machine (R26).

use super::breaker::CircuitBreaker;
use super::claim::Claim;
use super::clock::Stopwatch;
use super::extras::Extras;
use super::locked::GoodNow;
use super::permit::{IfDropped, Permit};
use super::totals::{Counter, Hot};
use super::watch::{Begun, Watch};
use super::word::Epoch;
use crate::rules::{Instant, Machine, Settlement};

/// In a separate file, because circuits without `hung_after` never come here.
impl CircuitBreaker {
    #[inline]
    fn watch(&self) -> Option<&Watch> {
        self.extras.get()?.watch.get()
    }

    /// Counts the calls that hang by now, unless that was done. Returns whether there may be news to deliver.
    #[inline]
    pub(super) fn look_for_hung(&self, extras: &Extras, now: Option<Instant>) -> bool {
        let Some(watch) = extras.watch.get() else { return false };
        self.look_for_hung_at(watch, now.unwrap_or_else(|| self.clock.now()))
    }

    /// Counts the calls that hang after a call has waited in line.
    pub(super) fn look_after_wait(&self) {
        if let Some(extras) = self.extras.get() {
            self.look_for_hung(extras, None);
        }
    }

    #[inline]
    fn look_for_hung_at(&self, watch: &Watch, now: Instant) -> bool {
        let is_due = watch.is_due(now);
        if is_due {
            self.sweep(watch, now);
        }
        is_due
    }

    #[cold]
    #[inline(never)]
    fn sweep(&self, watch: &Watch, now: Instant) {
        self.lapse(now);
        let good = GoodNow::of(self);
        let hang = |machine: &mut Machine, now| match watch.sweep(now) {
            0 => (0, Settlement::Neutral),
            hung => (hung, machine.hang(machine.epoch(), hung, &good, now)),
        };
        let (calls, heard) = self.locked_with(&good, now, hang, |_| None);
        if heard == Settlement::Recorded {
            self.totals.add_calls(Counter::Hung, calls.into());
        }
    }

    /// Has the calls of the machine's epoch watched, if the machine wants to know of those that hang. Needs its lock.
    #[inline]
    pub(super) fn follow_by_watch(&self, machine: &Machine, now: Instant) {
        if let Some(watch) = self.watch() {
            watch.follow(Epoch::of(machine.epoch()), machine.hung_after(), now);
        }
    }

    /// Admits a call that is watched. `None` means that the state must be asked.
    #[inline]
    pub(super) fn acquire_watched(
        &self,
        extras: &Extras,
        if_dropped: IfDropped,
    ) -> Option<Permit<'_>> {
        let watch = extras.watch.get()?;
        let now = self.clock.now();
        if self.look_for_hung_at(watch, now) {
            self.deliver();
            return None;
        }
        let word = self.word.load();
        if !word.is_closed() {
            return None;
        }
        let Begun::Watched(number) = watch.begin(word.epoch(), now) else { return None };
        self.totals.add_hot(Hot::Started);
        let claim = Claim::of(word.epoch()).timed_by(Stopwatch::Clock).watched_by(number);
        Some(Permit::new(self, claim, now, if_dropped))
    }

    /// Starts the time of a call, and watches it if the circuit is closed.
    #[inline(never)]
    pub(super) fn start_watched(&self, claim: Claim) -> (Claim, Instant) {
        let claim = claim.timed_by(Stopwatch::Clock);
        let mut began = self.clock.now();
        let Some(watch) = self.watch() else { return (claim, began) };
        loop {
            match watch.begin(claim.epoch(), began) {
                Begun::Watched(number) => return (claim.watched_by(number), began),
                Begun::Unwatched => return (claim, began),
                Begun::TooLate => began = self.now_after_sweep(watch),
            }
        }
    }

    /// Reads the clock after a sweep, which may be under way. If the clock went back, it is as late as the sweep.
    #[cold]
    #[inline(never)]
    fn now_after_sweep(&self, watch: &Watch) -> Instant {
        let machine = self.machine.lock();
        let oldest = watch.oldest();
        drop(machine);
        if self.look_for_hung_at(watch, self.clock.now()) {
            self.deliver();
        }
        // What listeners took is not time of the call.
        self.clock.now().max(oldest)
    }

    /// Ends the watch of a call. Returns whether the call hung.
    #[inline]
    pub(super) fn end_watch(extras: &Extras, claim: Claim, began: Instant) -> bool {
        let (Some(number), Some(watch)) = (claim.watch(), extras.watch.get()) else { return false };
        watch.end(number, began)
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    #[cfg(feature = "tokio")]
    use std::future::Future as _;
    #[cfg(feature = "tokio")]
    use std::pin::pin;
    use std::sync::Arc;
    #[cfg(feature = "tokio")]
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::*;
    use crate::circuit::{Calls, Clock, ManualClock, OwnedPermit};
    use crate::rules::{Override, RejectedReason, State, TripKind};
    use crate::settings::{Config, Mode};

    const SECOND: Duration = Duration::from_secs(1);
    const HUNG: Duration = Duration::from_secs(8);
    /// By then every call of before hangs.
    const LATE: Duration = Duration::from_secs(9);

    fn circuit(config: Config) -> (Arc<CircuitBreaker>, ManualClock) {
        let time = ManualClock::new();
        time.advance(SECOND);
        let clock = Clock::Manual(time.clone());
        let circuit = CircuitBreaker::with_clock("hung", config.hung_after(HUNG), clock);
        (Arc::new(circuit.unwrap()), time)
    }

    fn begin(circuit: &Arc<CircuitBreaker>, calls: usize) -> Vec<OwnedPermit> {
        (0..calls).map(|_| circuit.try_acquire_owned().expect("it is closed")).collect()
    }

    fn calls(circuit: &CircuitBreaker) -> Calls {
        circuit.snapshot().calls
    }

    #[test]
    fn r26_calls_that_hang_open_the_circuit_when_the_next_one_begins() {
        let (circuit, time) = circuit(Config::new());
        let held = begin(&circuit, 12);
        time.advance(HUNG);
        begin(&circuit, 1).remove(0).success();
        assert_eq!((circuit.state(), calls(&circuit).hung), (State::Closed, 0));
        time.advance(SECOND);
        assert_eq!(circuit.snapshot().calls.hung, 0, "reading it changes nothing");
        assert_eq!(circuit.try_acquire().unwrap_err().reason(), RejectedReason::Open);
        let snapshot = circuit.snapshot();
        let reason = snapshot.trip_reason.unwrap();
        assert_eq!(
            (reason.kind, reason.failed, reason.hung),
            (TripKind::ConsecutiveFailures, 12, 12)
        );
        assert_eq!(snapshot.explain(), "open for 0s: 12 calls hung for over 8s; probes in 1m");
        assert_eq!((snapshot.calls.hung, snapshot.calls.failure, snapshot.in_flight), (12, 0, 12));
        drop(held);
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn r26_a_call_that_waited_in_line_finds_those_that_hang_by_now() {
        let config = Config::new().failure_threshold(1).max_concurrent(2).max_wait(LATE * 9);
        let (circuit, time) = circuit(config);
        let mut held = begin(&circuit, 2);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let mut waiting = pin!(circuit.acquire());
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        held.remove(0).success();
        time.advance(LATE);
        let Poll::Ready(Err(refused)) = waiting.as_mut().poll(&mut context) else {
            panic!("it is refused")
        };
        assert_eq!((refused.reason(), calls(&circuit).hung), (RejectedReason::Open, 1));
    }

    #[test]
    fn r26_a_call_that_hung_is_late_when_it_ends() {
        let (circuit, time) = circuit(Config::new().failure_threshold(9));
        let held = begin(&circuit, 4);
        time.advance(LATE);
        begin(&circuit, 1).remove(0).ignore();
        assert_eq!(circuit.snapshot().consecutive_failures, 4);
        let ends = [OwnedPermit::success, OwnedPermit::failure, OwnedPermit::ignore, drop];
        held.into_iter().zip(ends).for_each(|(permit, end)| end(permit));
        let snapshot = circuit.snapshot();
        let Calls { started, success, failure, ignored, cancelled, hung, late, .. } =
            snapshot.calls;
        assert_eq!((started, success, failure, ignored, cancelled), (5, 1, 1, 2, 1));
        assert_eq!((hung, late, snapshot.in_flight), (4, 4, 0));
        assert_eq!((snapshot.window_calls, snapshot.consecutive_failures), (4, 4));
    }

    #[test]
    fn r26_the_end_of_a_call_finds_that_it_and_others_hang() {
        let (circuit, time) = circuit(Config::new().failure_threshold(3));
        let mut held = begin(&circuit, 3);
        time.advance(LATE);
        held.remove(0).success();
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.calls.hung, snapshot.calls.late), (State::Open, 3, 1));
    }

    #[test]
    fn r26_a_call_that_ends_in_time_does_not_hang() {
        let (circuit, time) = circuit(Config::new().failure_threshold(1));
        let held = begin(&circuit, 3);
        time.advance(HUNG);
        held.into_iter().for_each(OwnedPermit::success);
        time.advance(LATE);
        begin(&circuit, 1).remove(0).success();
        let Calls { success, hung, late, .. } = calls(&circuit);
        assert_eq!((success, hung, late), (4, 0, 0));
    }

    #[test]
    fn r26_a_refusal_by_the_bulkhead_finds_calls_that_hang() {
        let (circuit, time) = circuit(Config::new().max_concurrent(2).failure_threshold(2));
        let held = begin(&circuit, 2);
        assert_eq!(circuit.try_acquire().unwrap_err().reason(), RejectedReason::BulkheadFull);
        time.advance(LATE);
        assert_eq!(circuit.try_acquire().unwrap_err().reason(), RejectedReason::Open);
        drop(held);
        circuit.reset();
        drop(begin(&circuit, 2));
        assert_eq!((calls(&circuit).hung, calls(&circuit).late), (2, 2));
    }

    #[test]
    fn r26_calls_that_hang_while_recovering_are_found_by_refusals() {
        let config = Config::new().failure_threshold(1).success_threshold(1);
        let (circuit, time) = circuit(config.recovery(HUNG * 10).cooldown(SECOND));
        circuit.trip();
        time.advance(SECOND);
        begin(&circuit, 1).remove(0).success();
        let held: Vec<_> = (0..10).filter_map(|_| circuit.try_acquire().ok()).collect();
        assert_eq!((held.len(), circuit.state()), (1, State::Recovering));
        time.advance(LATE);
        assert_eq!(circuit.try_acquire().unwrap_err().reason(), RejectedReason::Open);
        drop(held);
        assert_eq!((calls(&circuit).hung, calls(&circuit).late), (1, 1));
    }

    #[test]
    fn r26_calls_of_other_states_do_not_hang() {
        type Act = fn(&CircuitBreaker, &ManualClock);
        let acts: [Act; 2] = [
            |circuit, _| circuit.disable(),
            |circuit, time| {
                circuit.trip();
                time.advance(SECOND);
            },
        ];
        for act in acts {
            let config =
                Config::new().failure_threshold(1).cooldown(SECOND).probe_timeout(HUNG * 9);
            let (circuit, time) = circuit(config);
            act(&circuit, &time);
            let held = begin(&circuit, 2);
            time.advance(HUNG * 2);
            begin(&circuit, 1).remove(0).ignore();
            held.into_iter().for_each(OwnedPermit::success);
            assert_eq!((calls(&circuit).hung, calls(&circuit).late), (0, 0));
        }
    }

    #[test]
    fn r10_calls_of_before_a_reset_do_not_hang_after_it() {
        let (circuit, time) = circuit(Config::new().failure_threshold(1));
        let held = begin(&circuit, 3);
        circuit.reset();
        let own = begin(&circuit, 1);
        held.into_iter().for_each(OwnedPermit::failure);
        time.advance(LATE);
        assert!(circuit.try_acquire().is_err());
        assert_eq!((calls(&circuit).hung, calls(&circuit).late), (1, 3));
        drop(own);
    }

    #[test]
    fn r24_calls_of_before_the_option_was_switched_on_do_not_hang() {
        let (circuit, time) = circuit(Config::new());
        circuit.reconfigure(Config::new()).unwrap();
        let held = begin(&circuit, 9);
        circuit.reconfigure(Config::new().hung_after(HUNG)).unwrap();
        time.advance(HUNG * 2);
        begin(&circuit, 1).remove(0).success();
        held.into_iter().for_each(OwnedPermit::success);
        let Calls { success, hung, late, .. } = calls(&circuit);
        assert_eq!((success, hung, late), (10, 0, 0));
    }

    #[test]
    fn r24_calls_in_flight_at_a_change_of_the_option_end_as_what_they_were() {
        for then in [Config::new(), Config::new().hung_after(SECOND)] {
            let (circuit, time) = circuit(Config::new());
            let hung = begin(&circuit, 2);
            time.advance(LATE);
            let fine = begin(&circuit, 2);
            circuit.reconfigure(then).unwrap();
            time.advance(HUNG * 3);
            hung.into_iter().chain(fine).for_each(OwnedPermit::success);
            let Calls { success, hung, late, .. } = calls(&circuit);
            assert_eq!((success, hung, late), (4, 2, 2));
        }
    }

    #[test]
    fn r25_an_observed_circuit_counts_calls_that_hang_and_refuses_none() {
        let (circuit, time) = circuit(Config::new().failure_threshold(2).mode(Mode::Observe));
        let held = begin(&circuit, 2);
        time.advance(LATE);
        begin(&circuit, 1).remove(0).success();
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.calls.hung), (State::Open, 2));
        assert_eq!(snapshot.would_reject.open, 1);
        drop(held);
    }

    #[test]
    fn r34_calls_that_hang_past_the_end_of_an_order_are_late_and_no_more() {
        let (circuit, time) = circuit(Config::new().failure_threshold(1));
        circuit.force_open();
        circuit.override_for(Override::Mode(Mode::Normal), Some(HUNG), "").unwrap();
        let held = begin(&circuit, 1);
        time.advance(LATE);
        held.into_iter().for_each(OwnedPermit::success);
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.calls.hung), (State::ForcedOpen, 0));
        assert_eq!((snapshot.calls.success, snapshot.calls.late), (1, 1));
    }

    #[test]
    fn r05_calls_are_timed_by_the_same_clock() {
        let config = Config::new().slow_call(SECOND).slow_call_rate(1.0);
        let (circuit, time) = circuit(config);
        let held = begin(&circuit, 1);
        time.advance(SECOND * 2);
        held.into_iter().for_each(OwnedPermit::success);
        assert_eq!((calls(&circuit).slow, calls(&circuit).hung), (1, 0));
    }

    #[test]
    fn r17_calls_begin_no_earlier_than_the_last_sweep_if_the_clock_went_back() {
        let (circuit, time) = circuit(Config::new().failure_threshold(1));
        let watch = circuit.watch().unwrap();
        watch.sweep(Instant::ZERO.after(HUNG * 9));
        let held = begin(&circuit, 1);
        time.advance(HUNG * 7);
        begin(&circuit, 1).remove(0).success();
        assert_eq!(calls(&circuit).hung, 0);
        time.advance(HUNG * 2);
        assert!(circuit.try_acquire().is_err());
        drop(held);
        assert_eq!((calls(&circuit).hung, calls(&circuit).late), (1, 1));
    }
}
