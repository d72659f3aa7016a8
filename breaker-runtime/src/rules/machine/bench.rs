//! A machine with a clock and a counter of good calls, for tests.

use std::cell::Cell;
use std::time::Duration;

use super::{Admitted, GoodCalls, Machine, Reading, Settlement, Ticket};
use crate::rules::{Advice, Advised, Ended, Ending, Good, Instant, Order, Refusal, State};
use crate::settings::{Config, Mode, Settings};

pub(crate) const GOOD: Ended = Ended { ending: Ending::Success, slow: false };
pub(crate) const FAILED: Ended = Ended { ending: Ending::Failure, slow: false };
pub(crate) const IGNORED: Ended = Ended { ending: Ending::Ignored, slow: false };
pub(crate) const CANCELLED: Ended = Ended { ending: Ending::Cancelled, slow: false };

pub(crate) const fn slow(call: Ended) -> Ended {
    Ended { slow: true, ..call }
}

/// Does on one thread what the circuit does around its machine.
pub(crate) struct Bench {
    pub(crate) machine: Machine,
    pub(crate) now: Instant,
    good: Counted,
}

/// The good calls of a closed circuit, in this epoch.
struct Counted {
    run: Cell<u32>,
    longest_run: Cell<u32>,
    all: Cell<u64>,
}

impl GoodCalls for Counted {
    fn end_run<V>(&self, judge: impl Fn(u32) -> Option<V>) -> (u32, Option<V>) {
        let run = self.run.take();
        (run, judge(run))
    }

    fn all(&self) -> u64 {
        self.all.get()
    }

    fn refit(&self, settings: &Settings) -> Good {
        let good = Good { run: self.run.get(), all: self.all.get() };
        self.longest_run.set(settings.longest_run());
        self.run.set(good.run.min(self.longest_run.get()));
        good
    }
}

impl Bench {
    pub(crate) fn new(config: Config) -> Self {
        Self::seeded(config, 0)
    }

    pub(crate) fn seeded(config: Config, seed: u64) -> Self {
        config.validate().expect("tests use valid configs");
        let now = Instant::ZERO.after(Duration::from_secs(1_000));
        let settings = config.settings();
        let longest_run = Cell::new(settings.longest_run());
        let good = Counted { run: Cell::new(0), longest_run, all: Cell::new(0) };
        Self { machine: Machine::new(settings, now, seed), now, good }
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    pub(crate) fn admit(&mut self) -> Result<Ticket, Refusal> {
        self.admit_observed().map(|admitted| admitted.ticket)
    }

    pub(crate) fn admit_observed(&mut self) -> Result<Admitted, Refusal> {
        self.act(Machine::admit)
    }

    pub(crate) fn settle(&mut self, ticket: Ticket, call: Ended) -> Settlement {
        let is_only_counted = |machine: &Machine| {
            let is_closed = machine.state() == State::Closed;
            is_closed && ticket.epoch == machine.epoch() && call == GOOD
        };
        if is_only_counted(&self.machine) {
            let before = self.machine.epoch();
            self.machine.turn(&self.good, self.now);
            self.follow(before);
        }
        if is_only_counted(&self.machine) {
            let Counted { run, longest_run, all } = &self.good;
            run.set(longest_run.get().min(run.get() + 1));
            all.set(all.get() + 1);
            return Settlement::Recorded;
        }
        let before = self.machine.epoch();
        let settled = self.machine.settle(ticket, call, &self.good, self.now);
        self.follow(before);
        settled
    }

    /// The outcome of a call that asks to stay away for a time.
    pub(crate) fn settle_asking(
        &mut self,
        ticket: Ticket,
        call: Ended,
        asks: Duration,
    ) -> Settlement {
        let before = self.machine.epoch();
        let settled = self.machine.settle_asking(ticket, call, asks, &self.good, self.now);
        self.follow(before);
        settled
    }

    /// The given number of calls of the present epoch hangs.
    pub(crate) fn hang(&mut self, calls: u32) -> Settlement {
        self.hang_of(self.machine.epoch(), calls)
    }

    pub(crate) fn hang_of(&mut self, epoch: u64, calls: u32) -> Settlement {
        let before = self.machine.epoch();
        let settled = self.machine.hang(epoch, calls, &self.good, self.now);
        self.follow(before);
        settled
    }

    pub(crate) fn begin_again(&mut self, ticket: Ticket) -> Ticket {
        self.machine.begin_again(ticket, self.now)
    }

    /// One call from beginning to end.
    #[track_caller]
    pub(crate) fn call(&mut self, call: Ended) -> Settlement {
        let ticket = self.admit().expect("the call is let in");
        self.settle(ticket, call)
    }

    #[track_caller]
    pub(crate) fn calls(&mut self, count: usize, call: Ended) {
        for _ in 0..count {
            self.call(call);
        }
    }

    pub(crate) fn reconfigure(&mut self, config: Config) {
        config.validate().expect("tests use valid configs");
        let before = self.machine.epoch();
        self.machine.reconfigure(config.settings(), &self.good, self.now);
        self.good.refit(&config.settings());
        self.follow(before);
    }

    pub(crate) fn trip(&mut self) {
        self.act(Machine::trip);
    }

    pub(crate) fn force_open(&mut self) {
        self.act(Machine::force_open);
    }

    pub(crate) fn disable(&mut self) {
        self.act(Machine::disable);
    }

    pub(crate) fn reset(&mut self) {
        self.act(Machine::reset);
    }

    pub(crate) fn order(&mut self, mode: Mode, limit: Option<Duration>) {
        let order = Order::by("somebody", mode, limit);
        self.act(|machine, now| machine.order(order, now));
    }

    pub(crate) fn advise(&mut self, advice: Advice, trusted_for: Duration) -> Advised {
        let (good, now) = (self.good(), self.now);
        self.act(|machine, _| machine.advise(advice, trusted_for, good, now))
    }

    pub(crate) fn state(&self) -> State {
        self.machine.state()
    }

    pub(crate) fn read(&self) -> Reading {
        self.machine.read(self.good(), self.now)
    }

    /// The good calls of this epoch.
    pub(crate) fn good(&self) -> Good {
        Good { run: self.good.run.get(), all: self.good.all() }
    }

    pub(crate) fn act<R>(&mut self, act: impl FnOnce(&mut Machine, Instant) -> R) -> R {
        let before = self.machine.epoch();
        let done = act(&mut self.machine, self.now);
        self.follow(before);
        done
    }

    /// A change of epoch empties the counts, as publishing it does.
    fn follow(&self, before: u64) {
        if self.machine.epoch() != before {
            self.good.run.set(0);
            self.good.all.set(0);
        }
    }
}
