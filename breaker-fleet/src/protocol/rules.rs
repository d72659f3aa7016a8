//! What must hold: in each step of the engine, in each step of a member, and in each state.

use std::time::Duration;

use breaker_runtime::{State, TripKind};

use super::circuit::{COOLDOWN, COOLDOWN_MAX, Circuit, PROBE_TIMEOUT, TRUST};
use super::fleet::{Answer, Event, Fate, Fleet, Peer, Request};
use super::{CIRCUIT, NAMES, ticks_of, time_of};
use crate::engine::{Beat, Leased, Record, Stand, What, Word};
use crate::home::Circuits;
use crate::ledger::Ledger;
use crate::member::GONE;

/// The rules of `docs/fleet.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    F2,
    F3,
    F4,
    F5,
    F6,
    F8,
}

/// The ticks within which all circuits close after the last failure: what is left of the longest vote, a lease that is
/// not used, and the probe.
const CLOSES_WITHIN: u64 = COOLDOWN_MAX + PROBE_TIMEOUT;
const CLOSES_ALONE_WITHIN: u64 = TRUST;

impl Fleet {
    pub(super) fn keeps(&self, rule: Rule) -> bool {
        self.broken.is_none_or(|(broken, _)| broken != rule)
    }

    fn demand(&mut self, holds: bool, rule: Rule, broken: &'static str) {
        if !holds {
            self.broken.get_or_insert((rule, broken));
        }
    }

    /// A member votes on its own evidence, and for as long as that lasts.
    pub(super) fn judge_word(&mut self, at: usize, word: &Word) {
        if let What::Vote { lasts, .. } = word.what {
            let evidence = self.circuit(at).evidence();
            let is_own = evidence.is_some_and(|left| lasts <= time_of(left));
            self.demand(is_own, Rule::F2, "a vote without evidence");
        }
    }

    pub(super) fn judge_engine(&mut self, before: &Ledger, request: &Request, answer: &Answer) {
        let now = self.millis();
        self.judge_ends(now);
        let was = before.record(CIRCUIT, "", now);
        let Some(is) = self.ledger.record(CIRCUIT, "", now) else { return };
        let is_decided = was.as_ref().is_none_or(|was| was.round != is.round);
        let is_longer = was.as_ref().is_none_or(|was| was.left < is.left);
        let holds = |name: &&str| before.ends(CIRCUIT, name).lease.is_some_and(|until| until > now);
        let holder = NAMES.into_iter().find(holds);
        let verdict = match request {
            Request::Tell(word) if holder == Some(&*word.member) => Some(&word.what),
            _ => None,
        };

        if is.stand == Stand::Open && (is_decided || is_longer) {
            let is_verdict = matches!(verdict, Some(What::Vote { .. }));
            self.demand(is_verdict || self.has_quorum(now), Rule::F3, "opened without a quorum");
            let longest = NAMES.map(|name| self.ledger.ends(CIRCUIT, name).vote);
            let longest = longest.into_iter().flatten().max().unwrap_or(now);
            let is_voted = is.left <= Duration::from_millis(longest.saturating_sub(now));
            self.demand(is_voted, Rule::F4, "open for longer than the longest vote");
        }
        if is.stand == Stand::Recovered && is_decided {
            let is_verdict = verdict == Some(&What::Recovered);
            self.demand(is_verdict, Rule::F5, "closed without a verdict");
        }
        match verdict {
            Some(What::Recovered) => {
                self.demand(is.stand == Stand::Recovered, Rule::F5, "a verdict that did not close");
            }
            Some(What::Vote { lasts, .. }) => {
                let is_open = is.stand == Stand::Open && is.left == *lasts && is.prober.is_none();
                self.demand(is_open && is_decided, Rule::F5, "a verdict that did not open");
            }
            _ => {}
        }
        if let (Request::Lease(at), Answer::Leased(Leased::Granted)) = (request, answer) {
            let is_free = holder.is_none_or(|holder| holder == NAMES[*at]);
            self.demand(is_free, Rule::F5, "leased twice");
            self.demand(is.left.is_zero(), Rule::F5, "leased before the votes were over");
        }
    }

    /// Two votes, or three in ten of the live members. Only votes of live members count.
    fn has_quorum(&self, now: u64) -> bool {
        let ends = NAMES.map(|name| self.ledger.ends(CIRCUIT, name));
        let lasts = |until: Option<u64>| until.is_some_and(|until| until > now);
        let live = ends.iter().filter(|ends| lasts(ends.gone)).count();
        let votes = ends.iter().filter(|ends| lasts(ends.gone) && lasts(ends.vote)).count();
        votes >= (live * 3).div_ceil(10).max(2)
    }

    /// Nothing is kept for longer than it lasts.
    fn judge_ends(&mut self, now: u64) {
        let within = |until: Option<u64>, ticks: u64| {
            let longest = now + u64::try_from(time_of(ticks).as_millis()).unwrap_or(u64::MAX);
            until.is_none_or(|until| until <= longest)
        };
        for name in NAMES {
            let ends = self.ledger.ends(CIRCUIT, name);
            let is_short = within(ends.vote, COOLDOWN)
                && within(ends.lease, PROBE_TIMEOUT)
                && within(ends.gone, TRUST);
            self.demand(is_short, Rule::F6, "kept for longer than it lasts");
            let is_over = |until: Option<u64>| until.is_some_and(|until| until <= now);
            let is_forgotten = !is_over(ends.vote) && !is_over(ends.gone);
            self.demand(is_forgotten, Rule::F6, "not forgotten when it was over");
        }
    }

    /// What a member did with a report that was asked for at `asked`, when the engine knew what it was `told`.
    pub(super) fn judge_member(
        &mut self,
        at: usize,
        was: Circuit,
        told: Option<&Record>,
        asked: u64,
    ) {
        let (circuit, now) = (*self.circuit(at), self.now);
        self.demand(!was.is_well() || circuit.is_closed(), Rule::F4, "a well member opened");
        if was.is_closed() && !circuit.is_closed() {
            let is_quorum = told.is_some_and(|it| it.stand == Stand::Open && it.votes >= 2);
            self.demand(is_quorum, Rule::F3, "a member opened without a quorum");
        }
        let probing = told.and_then(|told| told.prober.as_ref());
        let longest = told.map_or(Duration::ZERO, |told| {
            told.left.max(probing.map_or(Duration::ZERO, |(_, left)| *left))
        });
        let ends = (asked + ticks_of(longest)).min(now + COOLDOWN_MAX);
        let is_held = circuit.held_until() <= ends.max(was.held_until());
        self.demand(is_held, Rule::F4, "a member is open for longer than the longest vote");
        let is_lent = probing.is_some_and(|(holder, _)| holder == NAMES[at]);
        let is_probing = circuit.is_probing_by_lease();
        self.demand(is_lent || !is_probing, Rule::F5, "probes by a lease that it has lost");
    }

    /// What a member did with the answer to a request for a lease.
    pub(super) fn judge_lease(&mut self, at: usize, asked: u64) {
        let is_short = self.circuit(at).lent_until() <= asked + PROBE_TIMEOUT;
        self.demand(is_short, Rule::F5, "a lease for longer than the engine says");
    }

    /// Without the engine, a member acts as if alone.
    pub(super) fn judge_alone(&mut self, at: usize) {
        let is_alone = self.circuit(at).is_alone();
        self.demand(is_alone, Rule::F8, "goes by a fleet that it cannot hear");
    }

    /// F5: one member probes. Only a stray word or an engine that forgets can take its lease behind its back, and then
    /// it stops when it hears of that.
    pub(super) fn has_one_prober(&self) -> bool {
        let is_exact = !self.has_strayed && !self.has_restarted();
        let truth = self.truth().map(|truth| truth.prober);
        let knows = |at: &usize| is_exact || self.known(*at).map(|known| known.prober) == truth;
        self.probers().filter(knows).count() <= 1
    }

    /// What is under way arrives, and all members ask what is new, twice. No call is made.
    pub(super) fn polled(mut self) -> Self {
        self.settle_down();
        for _ in 0..2 {
            for at in self.living().collect::<Vec<_>>() {
                if self.peers[at].is_connected {
                    self.say(at, Fate::Arrives);
                }
                self.beat(at, Fate::Arrives);
                self.say(at, Fate::Arrives);
            }
        }
        self
    }

    /// Nothing goes wrong any more.
    fn settle_down(&mut self) {
        self.is_epilogue = true;
        self.strays.clear();
        for at in self.living().collect::<Vec<_>>() {
            self.peers[at].is_cut = false;
            self.resume(at);
        }
    }

    /// F5, F7: all members go by what the engine decided, and the engine has the votes that there are.
    pub(super) fn agrees(&self) -> bool {
        let Some(truth) = self.truth() else {
            let has_vote =
                |at: usize| self.peers[at].member.home.evidence().is_some_and(|left| left > 1);
            return !self.living().any(has_vote);
        };
        let is_in_force = !truth.left.is_zero() || truth.prober.is_some();
        self.living().all(|at| {
            let Peer { member, .. } = &self.peers[at];
            let circuit = &member.home;
            let goes_by_it = match truth.stand {
                // It may have closed by itself since.
                Stand::Open => {
                    let may_be_closed =
                        circuit.has_vetoed() || member.follows(CIRCUIT, truth.round);
                    !is_in_force || !circuit.is_closed() || may_be_closed
                }
                Stand::Recovered | Stand::Withdrawn => !circuit.is_open_by(TripKind::Fleet),
                Stand::Counting => true,
            };
            let is_counted = match self.ledger.ends(CIRCUIT, NAMES[at]).vote {
                Some(_) => !circuit.is_closed(),
                // One that is nearly over is not announced again.
                None => circuit.evidence().is_none_or(|left| left <= 1),
            };
            let known = self.known(at).map(|known| (known.round, known.stand));
            known == Some((truth.round, truth.stand)) && goes_by_it && is_counted
        })
    }

    /// F7: a member that starts now opens exactly if the fleet is open.
    pub(super) fn newcomer_follows(&self) -> bool {
        let (mut ledger, mut newcomer) = (self.ledger.clone(), Peer::new("newcomer").member);
        let beat = Beat { member: "newcomer", alive_for: GONE, life: 0, version: 0 };
        let report = ledger.beat(beat, self.millis());
        newcomer.learn(report, self.time());
        newcomer.advise_all(self.time());
        let is_open = newcomer.home.state(CIRCUIT) == Some(State::Open);
        is_open == ledger.holds(CIRCUIT, self.millis())
    }

    /// F6: if the dependency works from now on and nothing is lost, all circuits close in time. The member that has
    /// the lease may make no more calls: then all others close.
    pub(super) fn recovers(&self) -> bool {
        let holds = |at: &usize| {
            self.ledger.ends(CIRCUIT, NAMES[*at]).lease.is_some_and(|until| until > self.millis())
        };
        let holder = self.living().find(holds);
        self.recovers_without(None) && holder.is_none_or(|_| self.recovers_without(holder))
    }

    fn recovers_without(&self, idle: Option<usize>) -> bool {
        let mut fleet = self.clone();
        fleet.settle_down();
        let living: Vec<_> = fleet.living().collect();
        for _ in 0..=CLOSES_WITHIN {
            // Once to ask, once to probe.
            for _ in 0..2 {
                for at in living.iter().copied() {
                    fleet.goes_well(at, idle == Some(at));
                }
            }
            let is_closed = |at: &usize| fleet.peers[*at].member.home.is_closed();
            if living.iter().all(|at| idle == Some(*at) || is_closed(at)) {
                return true;
            }
            fleet.happens(Event::Tick);
        }
        false
    }

    /// F6: if no circuit hears of the fleet any more, not even that it is gone, each closes by itself.
    pub(super) fn recovers_in_silence(&self) -> bool {
        self.living().all(|at| {
            let mut circuit = self.peers[at].member.home;
            (0..=CLOSES_ALONE_WITHIN).any(|_| {
                circuit.call(true);
                if circuit.has_probe() {
                    circuit.settle(true);
                }
                circuit.tick();
                circuit.is_closed()
            })
        })
    }

    fn goes_well(&mut self, at: usize, is_idle: bool) {
        if !is_idle {
            self.circuit(at).call(true);
            if self.circuit(at).has_probe() {
                self.circuit(at).settle(true);
            }
        }
        self.beat(at, Fate::Arrives);
        self.say(at, Fate::Arrives);
        if self.circuit(at).wish.wants_probe {
            self.ask(at, Fate::Arrives);
        }
    }
}
