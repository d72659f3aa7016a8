//! Reconfiguring a circuit while calls run (R24).

use std::time::Duration;

use super::audience::Terms;
use super::breaker::CircuitBreaker;
use super::clock::Stopwatch;
use super::extras::Extras;
use super::locked::GoodNow;
use super::timer::Timer;
use super::word::Manner;
use crate::rules::{Good, Instant, Machine};
use crate::settings::{Interned, Settings};

/// In a separate file, because the order of these steps needs a proof.
impl CircuitBreaker {
    /// Applies valid terms, unless later ones were applied already. Calls no listener.
    pub(crate) fn refit(&self, terms: &Terms) {
        let config = terms.effective.config;
        let settings = config.settings();
        // Not under the lock: settings of all circuits are compared.
        let interned = Interned::from(settings);
        let now = self.clock.now();
        // What is over by now changes the epoch, and is published before the word is refitted.
        self.locked_with(&GoodNow::of(self), now, Machine::observe, |()| None);
        let good = GoodNow::of(self);
        let refit = |machine: &mut Machine, now| {
            if terms.number < self.dials.terms() {
                return;
            }
            // First what calls read that the new word sends here.
            self.clock.refit(settings.shortest_time());
            let stopwatch = Stopwatch::new(&settings, &self.clock);
            self.dials.set(&settings, config.options(), stopwatch, terms.number);
            self.refit_extras(&settings, terms);
            machine.reconfigure(interned, &good, now);
            // Whatever is not closed is refitted here only; anything else for the second time.
            self.follow_epochs(&settings);
            self.word.refit(Manner::of(&settings));
        };
        self.locked_with(&good, now, refit, |()| None);
        if let Some(extras) = self.extras.get() {
            extras.bulkhead.hand_out();
        }
    }

    /// Begins to tell the good calls of epochs apart, if a window of time must.
    fn follow_epochs(&self, settings: &Settings) {
        let is_by_time = Manner::of(settings).longest_run.is_none();
        if is_by_time && !self.dials.follows_epochs() {
            self.dials.follow_epochs();
            self.totals.begin_epoch(self.word.load().epoch(), 0);
        }
    }

    pub(super) fn refit_extras(&self, settings: &Settings, terms: &Terms) {
        if Extras::are_asked_for(settings, terms) || self.extras.get().is_some() {
            let make = || Box::new(Extras::new(Timer::of(&self.clock)));
            self.extras.get_or_init(make).refit(settings, terms);
        }
    }

    /// When the first of the settings ends that are there for a time.
    #[inline]
    pub(super) fn lapses_at(&self) -> Instant {
        self.extras.get().map_or(Instant::NEVER, Extras::lapses_at)
    }

    /// Takes back settings that were there for a time, if it is over.
    #[inline]
    pub(super) fn lapse(&self, now: Instant) {
        if now.has_reached(self.lapses_at()) {
            self.take_back(now);
        }
    }

    #[cold]
    #[inline(never)]
    fn take_back(&self, now: Instant) {
        if let Some(membership) = &self.membership {
            self.refit(&membership.of().lapse(now));
        }
    }

    /// The bound of keys that a layer or an override states.
    pub(crate) fn max_keys(&self) -> Option<u32> {
        let extras = self.extras.get()?;
        self.lapse(self.clock.now());
        extras.max_keys()
    }

    /// The time limit of a function that states this one. `None` if it is switched off.
    pub(crate) fn call_timeout(&self, stated: Duration) -> Option<Duration> {
        self.extras.get().map_or(Some(stated), |extras| extras.call_timeout(stated))
    }
}

impl GoodNow<'_> {
    /// Has good calls counted in another manner, and returns what they had come to.
    ///
    /// From a run to time: how many timed calls there are is read before the word changes, so all that find it
    /// changed come after them. From time to a run: it is read after the word has changed, and calls that it
    /// misses find the word changed when they have counted themselves, and go into the run too. One may miss both: a
    /// processor may read the word before others see what it has counted. To forbid that would take a fence in each
    /// call of a window of time. Such a call is in the totals, and ends no run of failures.
    pub(super) fn refit(&self, settings: &Settings) -> Good {
        let (word, totals) = (&self.circuit.word, &self.circuit.totals);
        let (seen, manner) = (word.load(), Manner::of(settings));
        let is_by_time = manner.longest_run.is_none();
        if seen.is_by_time() != is_by_time {
            word.hold_up();
        }
        if seen.is_by_time() {
            word.refit(manner);
            return Good { run: 0, all: self.all_timed() };
        }
        self.circuit.follow_epochs(settings);
        let all = if is_by_time { totals.good_now() } else { 0 };
        Good { run: word.refit(manner), all }
    }
}
