//! Runs the machine under its lock. Then publishes its state in the word and posts its events.

use std::cell::Cell;

use super::audience::{Audience, News, Topic};
use super::breaker::CircuitBreaker;
use super::word::{Epoch, Word};
use crate::rules::{Good, GoodCalls, Instant, Machine, State};
use crate::settings::Settings;

/// In a file of its own, because beginnings, endings and orders all go through here.
impl CircuitBreaker {
    /// The good calls that the machine uses.
    pub(super) fn good(&self, machine: &Machine) -> Good {
        let all = if machine.counts_all() { self.totals.good_now() } else { 0 };
        Good { run: self.word.run(), all }
    }

    /// Runs `act` on the machine and publishes the result. No user code runs in here (R20): events are
    /// only posted, under the lock that puts them in order, changes of state before what they led to.
    pub(super) fn locked<R>(
        &self,
        now: Instant,
        act: impl FnOnce(&mut Machine, Instant) -> R,
        news_of: impl FnOnce(&R) -> Option<News>,
    ) -> R {
        self.lapse(now);
        self.locked_with(&GoodNow::of(self), now, act, news_of)
    }

    /// The same, where `act` uses those good calls. It applies the settings as they are: call [`lapse`](Self::lapse)
    /// before.
    pub(super) fn locked_with<R>(
        &self,
        good: &GoodNow<'_>,
        now: Instant,
        act: impl FnOnce(&mut Machine, Instant) -> R,
        news_of: impl FnOnce(&R) -> Option<News>,
    ) -> R {
        let mut machine = self.machine.lock();
        let seen = self.word.load();
        let done = act(&mut machine, now);
        self.dials.set_observing(machine.is_observing());
        let epoch = Epoch::of(machine.epoch());
        if !seen.is_half_open_in(epoch) {
            self.publish(&machine, epoch, seen, good, now);
        }
        let news = news_of(&done);
        if news.is_some() || machine.has_news() {
            self.post(&mut machine, epoch, news);
        }
        done
    }

    /// Shows the machine's state in the word. Half-open circuits show the same from their first probe to their last.
    #[inline]
    fn publish(
        &self,
        machine: &Machine,
        epoch: Epoch,
        seen: Word,
        good: &GoodNow<'_>,
        now: Instant,
    ) {
        if self.dials.follows_epochs() && epoch != seen.epoch() {
            // Before the word shows the epoch, and its good calls can be counted.
            let heard = if seen.state() == State::Closed { good.all_timed() } else { 0 };
            self.totals.begin_epoch(epoch, heard);
        }
        self.follow_by_watch(machine, now);
        let (state, lapses_at) = (machine.state(), self.lapses_at());
        let holds_until = match state {
            // Its cooldown may be another one by then, so every call asks.
            State::Open if lapses_at < machine.holds_until() => Instant::ZERO,
            _ => machine.holds_until().min(lapses_at),
        };
        self.dials.set_longest_refusal(machine.left_to(holds_until));
        let is_for_a_time = machine.is_closed_for_a_time() || lapses_at != Instant::NEVER;
        if is_for_a_time && state == State::Closed {
            self.word.publish_closed_for_a_time(epoch, holds_until);
        } else {
            self.word.publish(epoch, state, holds_until);
        }
    }

    /// Posts what the machine has to tell, and then what it led to.
    #[cold]
    #[inline(never)]
    fn post(&self, machine: &mut Machine, epoch: Epoch, news: Option<News>) {
        let (changes, wish) = (machine.take_news(), machine.take_wish_to_probe());
        let Some(membership) = &self.membership else { return };
        let changes = changes.into_iter();
        let changes = changes.map(|change| News::Transition(change, machine.words_of(&change)));
        let wish = wish.then_some(News::ProbeWanted);
        membership.post(epoch, changes.chain(wish).chain(news));
    }

    /// Who hears of that, if anybody wants to.
    pub(super) fn audience(&self, topic: Topic) -> Option<&dyn Audience> {
        self.membership.as_ref()?.audience(topic)
    }

    /// Says whether anything was told.
    pub(crate) fn deliver(&self) -> bool {
        self.membership.as_ref().is_some_and(|membership| membership.of().deliver())
    }
}

/// The good calls of a circuit whose lock is held. However often it is asked, all are those of one moment: what
/// trips the circuit, and which good calls came in time, is decided on the same ones.
pub(super) struct GoodNow<'a> {
    pub(super) circuit: &'a CircuitBreaker,
    all: Cell<Option<u64>>,
}

impl<'a> GoodNow<'a> {
    pub(super) fn of(circuit: &'a CircuitBreaker) -> Self {
        Self { circuit, all: Cell::new(None) }
    }

    pub(super) fn all_timed(&self) -> u64 {
        let CircuitBreaker { totals, word, .. } = self.circuit;
        let all = self.all.get().unwrap_or_else(|| totals.good_at_one_moment(|| word.hold_up()));
        self.all.set(Some(all));
        all
    }
}

impl GoodCalls for GoodNow<'_> {
    fn end_run<V>(&self, judge: impl Fn(u32) -> Option<V>) -> (u32, Option<V>) {
        self.circuit.word.end_run(judge)
    }

    fn all(&self) -> u64 {
        self.all_timed()
    }

    fn refit(&self, settings: &Settings) -> Good {
        GoodNow::refit(self, settings)
    }
}
