//! The engine of a simulated fleet, and the network that leads to it. Both fail as a seed decides.

use std::time::Duration;

use crate::engine::{Ask, Beat, Leased, Record, Report, Word};
use crate::ledger::Ledger;
use crate::member::GONE;

/// What a member asks of the engine.
#[derive(Clone, Debug)]
pub(super) enum Verb {
    Beat { life: u64, version: u64 },
    Tell(Vec<Word>),
    Lease(Duration),
}

/// What the engine answers.
#[derive(Debug)]
pub(super) enum Answer {
    Report(Report),
    Told,
    Leased(Leased),
}

/// How often things go wrong, as shares of all messages or of all steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// A request or its answer is lost.
    pub(super) lost: f64,
    /// A request comes a second time, some seconds later.
    pub(super) doubled: f64,
    /// A request is given up, and comes some seconds later.
    pub(super) late: f64,
    /// An answer comes a step later.
    pub(super) slow: f64,
    /// A hint that something changed is lost.
    pub(super) unheard: f64,
    /// Per step and member: it cannot reach the engine for some time.
    pub(super) cut: f64,
    /// Per step and member: it does nothing for some time.
    pub(super) stalled: f64,
    /// Per step and member: it is killed, and starts again.
    pub(super) crashed: f64,
    /// Per step: the engine starts again without its memory.
    pub(super) emptied: f64,
}

/// A request that is still under way.
#[derive(Debug)]
struct Stray {
    at: u64,
    member: String,
    verb: Verb,
}

#[derive(Debug)]
pub(super) struct Net {
    pub(super) ledger: Ledger,
    pub(super) faults: Faults,
    /// Milliseconds on the clock of the engine.
    pub(super) now: u64,
    pub(super) rng: fastrand::Rng,
    life: u64,
    strays: Vec<Stray>,
}

/// In milliseconds, the longest that a message is under way.
const STRAY: u64 = 10_000;

pub(super) const CIRCUIT: &str = "payments";

impl Net {
    pub(super) fn new(rng: fastrand::Rng) -> Self {
        let (ledger, faults, strays) = (Ledger::new(1), Faults::default(), Vec::new());
        Self { ledger, faults, now: 0, rng, life: 1, strays }
    }

    pub(super) fn is(&mut self, likely: f64) -> bool {
        likely > 0.0 && self.rng.f64() < likely
    }

    /// Sends a request. Returns the answer, unless something is lost, and how long it takes.
    pub(super) fn send(&mut self, member: &str, verb: &Verb) -> (Option<Answer>, u64) {
        let Faults { lost, doubled, late, slow, .. } = self.faults;
        let never = 400;
        if self.is(lost / 2.0) {
            return (None, never);
        }
        if self.is(late) {
            self.stray(member, verb);
            return (None, never);
        }
        if self.is(doubled) {
            self.stray(member, verb);
        }
        let answer = self.serve(member, verb);
        if self.is(lost / 2.0) {
            return (None, never);
        }
        (Some(answer), if self.is(slow) { self.rng.u64(1..400) } else { 0 })
    }

    fn stray(&mut self, member: &str, verb: &Verb) {
        let at = self.now + self.rng.u64(100..STRAY);
        self.strays.push(Stray { at, member: member.to_owned(), verb: verb.clone() });
    }

    fn serve(&mut self, member: &str, verb: &Verb) -> Answer {
        let Self { ledger, now, .. } = self;
        match verb {
            Verb::Beat { life, version } => {
                let (life, version) = (*life, *version);
                Answer::Report(ledger.beat(Beat { member, alive_for: GONE, life, version }, *now))
            }
            Verb::Tell(words) => {
                for word in words {
                    ledger.tell(word, *now);
                }
                Answer::Told
            }
            Verb::Lease(lasts) => {
                let ask = Ask { member, circuit: CIRCUIT, lasts: *lasts };
                Answer::Leased(ledger.lease(ask, *now))
            }
        }
    }

    /// Time goes on, and what was under way arrives.
    pub(super) fn step(&mut self, by: u64) {
        self.now += by;
        let now = self.now;
        let (due, left) = std::mem::take(&mut self.strays).into_iter().partition(|it| it.at <= now);
        self.strays = left;
        for Stray { member, verb, .. } in due {
            self.serve(&member, &verb);
        }
        if self.is(self.faults.emptied) {
            self.empty();
        }
    }

    pub(super) fn empty(&mut self) {
        self.life += 1;
        self.ledger = Ledger::new(self.life);
    }

    /// From now on everything arrives at once.
    pub(super) fn heal(&mut self) {
        self.faults = Faults::default();
        self.strays.clear();
    }

    /// The life of the engine, and what a member would hear about the circuit.
    pub(super) fn truth(&self, member: &str) -> (u64, Option<Record>) {
        let mut copy = self.ledger.clone();
        let alive_for = Duration::from_secs(1);
        let beat = Beat { member, alive_for, life: 0, version: 0 };
        let mut report = copy.beat(beat, self.now);
        (report.life, report.records.pop())
    }
}
