//! How a call ends: by its permit, counted alone or told to the machine.

use std::time::Duration;

use super::audience::News;
use super::breaker::CircuitBreaker;
use super::claim::Claim;
use super::clock::{self, Stopwatch};
use super::error::TimedOut;
use super::extras::Extras;
use super::histograms::Success;
use super::locked::GoodNow;
use super::said::Said;
use super::totals::{Counter, Hot};
use super::word::{Epoch, Uncounted};
use crate::rules::{Ended, Ending, Instant, Machine, Settlement};

/// In a file of its own, as what happens between its beginning and its end is the user's.
impl CircuitBreaker {
    /// Takes the outcome of a call.
    #[inline]
    pub(super) fn settle(&self, claim: Claim, began: Instant, ending: Ending) {
        if ending == Ending::Success && self.word.count_good_at_once(claim.marked()) {
            self.totals.add_hot(Hot::Good);
        } else {
            self.settle_slowly(claim, began, ending);
        }
    }

    #[inline(never)]
    fn settle_slowly(&self, claim: Claim, began: Instant, ending: Ending) {
        if ending == Ending::Success && self.extras.get().is_none() {
            self.settle_good(claim, began);
        } else {
            self.settle_with_all(claim, began, ending);
        }
    }

    /// Takes a good call of a circuit without extras. Most of them need no more than the time.
    #[inline(never)]
    fn settle_good(&self, claim: Claim, began: Instant) {
        if !self.count_timed(claim, began) {
            self.settle_with_all(claim, began, Ending::Success);
        }
    }

    /// Counts a good call that holds nothing but when it began, or that is counted by time. `false` means "take the slow
    /// path", and nothing was counted.
    #[inline]
    fn count_timed(&self, claim: Claim, began: Instant) -> bool {
        let Some(stopwatch) = claim.holds_at_most_time() else { return false };
        let is_timed = stopwatch != Stopwatch::None;
        let is_by_time = self.word.load().is_by_time();
        let now = match stopwatch {
            // Edges of buckets are times of the circuit's clock.
            Stopwatch::Counter if !is_by_time => clock::counter(),
            Stopwatch::Clock => self.clock.now(),
            Stopwatch::None if is_by_time => self.clock.now(),
            Stopwatch::Counter | Stopwatch::None | Stopwatch::Watched => return false,
        };
        if is_timed && now.is_later(began, self.dials.slow_after()) {
            return false;
        }
        if is_by_time {
            return self.count_by_time(claim.epoch(), now).is_ok();
        }
        let is_counted = self.word.count_good_cared_for(claim.epoch());
        if is_counted {
            self.totals.add_hot(Hot::Good);
        }
        is_counted
    }

    /// Takes the outcome of a call that may hold more than its epoch, or is not good.
    #[inline(never)]
    fn settle_with_all(&self, claim: Claim, began: Instant, ending: Ending) {
        let reads_clock = claim.stopwatch() == Stopwatch::Clock || self.word.load().reads_clock();
        let now = reads_clock.then(|| self.clock.now());
        let (ended, ended_at) = self.ended(claim, began, ending, now);
        let mut success = Success::NONE;
        if let Some(extras) = self.extras.get() {
            success = extras.time(ending, began, ended_at);
            if self.ends_late(extras, claim, began, now) {
                return self.tell_late(claim, ended, now.unwrap_or_else(|| self.clock.now()));
            }
        }
        // A probe always needs the machine. To know that early saves steps, no more.
        if claim.probe.is_none() && self.count_alone(claim.epoch(), ended, now) {
            success.count();
            if claim.holds_slot() {
                self.leave_bulkhead();
            }
        } else if self.tell(claim, ended, now) == Settlement::Recorded {
            success.count();
        }
    }

    /// Ends the time of a call. `now` is there if its circuit reads its clock.
    #[inline]
    fn ended(
        &self,
        claim: Claim,
        began: Instant,
        ending: Ending,
        now: Option<Instant>,
    ) -> (Ended, Option<Instant>) {
        let ended_at = match claim.stopwatch() {
            Stopwatch::Clock | Stopwatch::Watched => now,
            Stopwatch::Counter => Some(clock::counter()),
            Stopwatch::None => None,
        };
        let slow = ended_at.is_some_and(|at| at.is_later(began, self.dials.slow_after()));
        (Ended { ending, slow }, ended_at)
    }

    /// Ends the watch of a call. Says whether the call hung: its outcome is late, and was taken.
    #[inline]
    fn ends_late(
        &self,
        extras: &Extras,
        claim: Claim,
        began: Instant,
        now: Option<Instant>,
    ) -> bool {
        // If that opens the circuit, this call is late, and tells of it.
        self.look_for_hung(extras, now);
        Self::end_watch(extras, claim, began)
    }

    /// Takes a failure that has words or asks to stay away.
    #[cold]
    pub(super) fn settle_saying(&self, claim: Claim, began: Instant, said: Said) {
        let now = self.clock.now();
        let (ended, ended_at) = self.ended(claim, began, Ending::Failure, Some(now));
        if let Some(extras) = self.extras.get() {
            extras.time(ended.ending, began, ended_at).count();
            if self.ends_late(extras, claim, began, Some(now)) {
                return self.tell_late(claim, ended, now);
            }
        }
        let ticket = claim.into();
        self.tell_by(claim, ended, now, |machine, good, now| {
            let settled = machine.settle_asking(ticket, ended, said.open_for, good, now);
            if let Some(words) = said.words.filter(|_| settled == Settlement::Recorded) {
                machine.note(words);
            }
            settled
        });
    }

    /// Gives back a slot, also of a bulkhead that is switched off by now.
    pub(super) fn leave_bulkhead(&self) {
        if let Some(extras) = self.extras.get() {
            extras.bulkhead.leave();
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
        loop {
            let counted = if self.word.load().is_by_time() {
                self.count_by_time(epoch, now.unwrap_or_else(|| self.clock.now()))
            } else {
                self.count_in_run(epoch, now)
            };
            // The window became one of the other kind meanwhile.
            if counted != Err(Uncounted::OtherManner) {
                return counted.is_ok();
            }
        }
    }

    fn count_in_run(&self, epoch: Epoch, now: Option<Instant>) -> Result<(), Uncounted> {
        // A timed order may have ended, and the epoch with it.
        if let Some(now) = now.filter(|now| self.word.is_over(*now)) {
            self.turn(now);
        }
        self.lengthen_run(epoch)?;
        self.totals.add_hot(Hot::Good);
        Ok(())
    }

    fn lengthen_run(&self, epoch: Epoch) -> Result<(), Uncounted> {
        let fills_run = self.word.count_good(epoch)?;
        if fills_run {
            self.forget();
        }
        Ok(())
    }

    /// Counts a good call of a window of time. The call shows that it is in time, and counts itself after that.
    /// If the epoch ends in between, the call is not among those of the next, and counts as late.
    #[inline]
    fn count_by_time(&self, epoch: Epoch, now: Instant) -> Result<(), Uncounted> {
        self.word
            .check_good(epoch, now)
            .or_else(|uncounted| self.count_at_edge(uncounted, epoch, now))?;
        self.totals.add_good_of(epoch);
        let seen = self.word.load();
        if seen.is_closed_in(epoch) && !seen.is_by_time() {
            self.count_in_both(epoch);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn count_at_edge(
        &self,
        uncounted: Uncounted,
        epoch: Epoch,
        now: Instant,
    ) -> Result<(), Uncounted> {
        if uncounted != Uncounted::AtAnEdge {
            return Err(uncounted);
        }
        self.turn(now);
        // The edge is behind it, whatever that is by now.
        match self.word.check_good(epoch, Instant::ZERO) {
            Err(Uncounted::AtAnEdge) => Ok(()),
            checked => checked,
        }
    }

    /// The window became one of calls since (R24). Too late for its run is late enough.
    #[cold]
    #[inline(never)]
    fn count_in_both(&self, epoch: Epoch) {
        let _ = self.lengthen_run(epoch);
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
    pub(super) fn turn(&self, now: Instant) {
        self.lapse(now);
        let good = GoodNow::of(self);
        self.locked_with(&good, now, |machine, now| machine.turn(&good, now), |()| None);
    }

    /// Tells the machine of a call. Listeners are told last, when the call holds nothing any more.
    #[cold]
    #[inline(never)]
    fn tell(&self, claim: Claim, ended: Ended, now: Option<Instant>) -> Settlement {
        let (ticket, now) = (claim.into(), now.unwrap_or_else(|| self.clock.now()));
        self.tell_by(claim, ended, now, |machine, good, now| {
            machine.settle(ticket, ended, good, now)
        })
    }

    #[inline]
    fn tell_by(
        &self,
        claim: Claim,
        ended: Ended,
        now: Instant,
        settle: impl FnOnce(&mut Machine, &GoodNow<'_>, Instant) -> Settlement,
    ) -> Settlement {
        self.totals.add_ended(ended.ending);
        let settled = self.record(ended, now, settle);
        if claim.holds_slot() {
            self.leave_bulkhead();
        }
        self.deliver();
        settled
    }

    /// Takes the outcome of a call that hung, which the machine was told of before.
    #[cold]
    #[inline(never)]
    fn tell_late(&self, claim: Claim, ended: Ended, now: Instant) {
        self.tell_by(claim, ended, now, |machine, _, now| {
            machine.observe(now);
            Settlement::Late
        });
    }

    #[inline]
    fn record(
        &self,
        ended: Ended,
        now: Instant,
        settle: impl FnOnce(&mut Machine, &GoodNow<'_>, Instant) -> Settlement,
    ) -> Settlement {
        self.lapse(now);
        let good = GoodNow::of(self);
        let settle = |machine: &mut Machine, now| settle(machine, &good, now);
        let late =
            |settlement: &_| (*settlement == Settlement::Late).then_some(News::Late(ended.ending));
        let settled = self.locked_with(&good, now, settle, late);
        match settled {
            Settlement::Late => self.totals.add(Counter::Late),
            Settlement::Recorded if ended.slow => self.totals.add(Counter::Slow),
            Settlement::Recorded | Settlement::Neutral => {}
        }
        settled
    }

    /// Counts a call that took longer than it was given.
    pub(crate) fn time_out(&self, limit: Duration) -> TimedOut {
        self.totals.add(Counter::TimedOut);
        TimedOut::new(self.name.clone(), limit)
    }

    pub(crate) fn count_panic(&self) {
        self.totals.add(Counter::Panicked);
    }
}

#[cfg(all(test, not(feature = "test-util"), not(breaker_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rules::State;
    use crate::settings::Config;

    /// Under `test-util` there is no counter.
    #[test]
    fn r04_a_call_that_is_timed_by_the_counter_finds_an_edge_by_the_clock() {
        let config =
            Config::new().slow_call(Duration::from_millis(50)).time_window(Duration::from_secs(60));
        let circuit = CircuitBreaker::new("edge", config).unwrap();
        let permit = circuit.try_acquire().unwrap();
        let (edge, epoch) = (circuit.clock.now(), circuit.word.load().epoch());
        circuit.word.publish(epoch, State::Closed, edge);
        assert!(circuit.word.is_over(edge));
        permit.success();
        assert!(!circuit.word.is_over(edge), "the window has moved on");
        assert_eq!(circuit.snapshot().window_calls, 1);
    }
}
