//! A model of the whole protocol, checked in every order of events: three members, the real ledger and the real member, with
//! circuits that are plain values. Requests and answers are lost, come twice and come late; a member dies; the engine
//! starts again without its memory.

mod circuit;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use breaker_runtime::{Policy, State as Phase, TripKind};
use stateright::{Checker, Model, Property};

use self::circuit::{COOLDOWN_MAX, Circuit, LONGEST_WAIT};
use crate::engine::{Ask, Beat, Leased, Record, Report, Stand, What, Word};
use crate::home::Circuits;
use crate::inbox::Wish;
use crate::ledger::Ledger;
use crate::member::{BEAT, GONE, Member};
use crate::policy::Policies;

const CIRCUIT: &str = "payments";
const MEMBERS: usize = 3;
const NAMES: [&str; MEMBERS] = ["a", "b", "c"];

/// That many ticks as a time. A tick is as long as the time between two beats.
#[expect(non_snake_case, reason = "it reads as a unit")]
const fn TICK(count: u64) -> Duration {
    Duration::from_secs(count * BEAT.as_secs())
}

fn ticks(time: Duration) -> u64 {
    time.as_secs() / BEAT.as_secs()
}

/// How far the model goes.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Time ends then.
    ticks: u64,
    /// The calls that fail.
    failures: u8,
    /// The requests and answers that are lost, doubled or late.
    faults: u8,
    crashes: u8,
    restarts: u8,
    resets: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    member: Member<Circuit>,
    is_connected: bool,
    is_dead: bool,
    /// It cannot reach the engine.
    is_cut: bool,
    /// It was heard since the last tick.
    has_beaten: bool,
    /// It has found the dependency sick.
    has_tripped: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stray {
    Tell(Word),
    Lease(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Fleet {
    now: u64,
    life: u64,
    ledger: Ledger,
    peers: Vec<Peer>,
    /// Requests that are still under way.
    strays: Vec<Stray>,
    failures: u8,
    faults: u8,
    crashes: u8,
    restarts: u8,
    resets: u8,
    /// What a rule was broken by.
    broken: Option<String>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    IsLost,
    AnswerIsLost,
    ComesTwice,
    ComesLate,
}

const FATES: [Fate; 5] =
    [Fate::Arrives, Fate::IsLost, Fate::AnswerIsLost, Fate::ComesTwice, Fate::ComesLate];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Tick,
    Call(usize, bool),
    Settle(usize, bool),
    Reset(usize),
    Tell(usize, Fate),
    Ask(usize, Fate),
    Beat(usize, Fate),
    Arrive(usize),
    Crash(usize),
    /// A member cannot reach the engine any more, or can again.
    Cut(usize),
    Mend(usize),
    Restart,
}

impl Fleet {
    fn new(bounds: Bounds) -> Self {
        let mut policies = Policies::default();
        policies.set(CIRCUIT, Policy::Quorum);
        let peer = |name: &str| Peer {
            member: Member::new(name.to_owned(), policies.clone(), Circuit::default()),
            is_connected: false,
            is_dead: false,
            is_cut: false,
            has_beaten: false,
            has_tripped: false,
        };
        let mut fleet = Self {
            now: 0,
            life: 1,
            ledger: Ledger::new(1),
            peers: NAMES.map(peer).to_vec(),
            strays: Vec::new(),
            failures: bounds.failures,
            faults: bounds.faults,
            crashes: bounds.crashes,
            restarts: bounds.restarts,
            resets: bounds.resets,
            broken: None,
        };
        (0..MEMBERS).for_each(|at| fleet.beat(at, Fate::Arrives));
        fleet
    }

    fn millis(&self) -> u64 {
        self.now * u64::try_from(BEAT.as_millis()).unwrap_or(0)
    }

    fn time(&self) -> Duration {
        TICK(self.now)
    }

    fn circuit(&mut self, at: usize) -> &mut Circuit {
        &mut self.peers[at].member.home
    }

    fn living(&self) -> impl Iterator<Item = usize> {
        (0..MEMBERS).filter(|at| !self.peers[*at].is_dead)
    }

    fn breaks(&mut self, rule: &str, at: usize) {
        self.broken = Some(format!("{rule}: {}", NAMES[at]));
    }

    /// What the engine does with a request. `None` if no answer comes.
    fn send<A>(
        &mut self,
        fate: Fate,
        stray: Option<Stray>,
        serve: impl Fn(&mut Ledger, u64) -> A,
    ) -> Option<A> {
        self.faults -= u8::from(fate != Fate::Arrives);
        if let Fate::ComesLate | Fate::ComesTwice = fate {
            self.strays.extend(stray);
        }
        if let Fate::IsLost | Fate::ComesLate = fate {
            return None;
        }
        let answer = serve(&mut self.ledger, self.now * TICK(1).as_secs() * 1000);
        (fate != Fate::AnswerIsLost).then_some(answer)
    }

    fn disconnect(&mut self, at: usize) {
        self.peers[at].is_connected = false;
        self.peers[at].member.lose_connection();
    }

    fn tell(&mut self, at: usize, word: Word, fate: Fate) {
        if let What::Vote { lasts, .. } = word.what
            && self.circuit(at).evidence().is_none_or(|left| lasts > TICK(left))
        {
            self.breaks("F2: a vote without evidence", at);
        }
        let told =
            self.send(fate, Some(Stray::Tell(word.clone())), |ledger, now| ledger.tell(&word, now));
        if told.is_none() {
            self.disconnect(at);
        }
    }

    /// Sends what happened. What could not be sent is kept.
    fn say(&mut self, at: usize, fate: Fate) {
        let wish = self.circuit(at).wish;
        let Some(happened) = wish.happened else { return };
        self.circuit(at).wish.happened = None;
        if let Some(word) = self.peers[at].member.say(CIRCUIT, happened) {
            self.tell(at, word, fate);
            if !self.peers[at].is_connected {
                self.circuit(at).wish.happened = Some(happened);
            }
        }
    }

    fn ask(&mut self, at: usize, fate: Fate) {
        let Some(lasts) = self.peers[at].member.lease_for(CIRCUIT) else { return };
        let serve = |ledger: &mut Ledger, now| {
            ledger.lease(Ask { member: NAMES[at], circuit: CIRCUIT, lasts }, now)
        };
        self.circuit(at).wish.wants_probe = false;
        let time = self.time();
        match self.send::<Leased>(fate, Some(Stray::Lease(at)), serve) {
            Some(leased) => self.peers[at].member.take_lease(CIRCUIT, lasts, leased, time, time),
            None => self.disconnect(at),
        }
    }

    fn beat(&mut self, at: usize, fate: Fate) {
        let (life, version) = self.peers[at].member.seen();
        let beat = |ledger: &mut Ledger, now| {
            ledger.beat(Beat { member: NAMES[at], alive_for: GONE, life, version }, now)
        };
        let time = self.time();
        let Some(report) = self.send::<Report>(fate, None, beat) else {
            return self.disconnect(at);
        };
        let was_closed = self.circuit(at).is_closed();
        (self.peers[at].is_connected, self.peers[at].has_beaten) = (true, true);
        let news: BTreeSet<_> = self.peers[at].member.learn(report, time);
        self.peers[at].member.advise_all(time);
        self.judge(at, was_closed);
        for word in self.peers[at].member.amend(&news) {
            self.tell(at, word, Fate::Arrives);
        }
    }

    fn judge(&mut self, at: usize, was_closed: bool) {
        let witnesses = self.peers.iter().filter(|peer| peer.has_tripped).count();
        if was_closed && !self.circuit(at).is_closed() && witnesses < 2 {
            self.breaks("F4: opened without a quorum", at);
        }
        let prober = self.record(at).and_then(|record| record.prober);
        if self.circuit(at).is_probing_by_lease()
            && prober.is_none_or(|(holder, _)| holder != NAMES[at])
        {
            self.breaks("F5: probes with a lease that it has lost", at);
        }
    }

    /// What a member knows.
    fn record(&self, at: usize) -> Option<Record> {
        self.peers[at].member.records(self.time()).next()
    }

    /// What the engine would tell a member.
    fn truth(&self, at: usize) -> Option<Record> {
        let beat = Beat { member: NAMES[at], alive_for: GONE, life: 0, version: 0 };
        self.ledger.clone().beat(beat, self.millis()).records.pop()
    }

    fn next(&mut self, event: Event) {
        match event {
            Event::Tick => {
                self.now += 1;
                for at in 0..MEMBERS {
                    self.peers[at].has_beaten = false;
                    let was_open = matches!(self.circuit(at).state(CIRCUIT), Some(Phase::Open));
                    self.circuit(at).tick();
                    let is_new = !was_open && self.circuit(at).is_open_by(TripKind::FailedProbes);
                    self.peers[at].has_tripped |= is_new;
                    // The task wakes when a lease has to be looked at.
                    let now = self.time();
                    if !self.peers[at].member.leases_to_renew(now).is_empty() {
                        self.ask(at, Fate::Arrives);
                    }
                }
            }
            Event::Call(at, succeeds) => {
                let was_closed = self.circuit(at).is_closed();
                self.failures -= u8::from(was_closed && !succeeds);
                self.peers[at].has_tripped |= was_closed && !succeeds;
                self.circuit(at).call(succeeds);
            }
            Event::Settle(at, succeeds) => {
                self.failures -= u8::from(!succeeds);
                self.peers[at].has_tripped |= !succeeds;
                self.circuit(at).settle(succeeds);
            }
            Event::Reset(at) => {
                self.resets -= 1;
                self.circuit(at).reset();
            }
            Event::Tell(at, fate) => self.say(at, fate),
            Event::Ask(at, fate) => self.ask(at, fate),
            Event::Beat(at, fate) => self.beat(at, fate),
            Event::Arrive(at) => {
                let now = self.millis();
                match self.strays.remove(at) {
                    Stray::Tell(word) => self.ledger.tell(&word, now),
                    Stray::Lease(at) => {
                        let lasts = TICK(circuit::PROBE_TIMEOUT);
                        let ask = Ask { member: NAMES[at], circuit: CIRCUIT, lasts };
                        let _ = self.ledger.lease(ask, now);
                    }
                }
            }
            Event::Crash(at) => {
                self.crashes -= 1;
                self.peers[at].is_dead = true;
            }
            Event::Cut(at) => {
                self.faults -= 1;
                self.peers[at].is_cut = true;
                self.disconnect(at);
            }
            Event::Mend(at) => self.peers[at].is_cut = false,
            Event::Restart => {
                self.restarts -= 1;
                self.life += 1;
                self.ledger = Ledger::new(self.life);
            }
        }
    }

    fn each_number(&mut self, mut act: impl FnMut(&mut u64)) {
        self.ledger.renumber(&mut act);
        self.peers.iter_mut().for_each(|peer| peer.member.renumber(&mut act));
    }

    /// Only the order of changes matters, so states that differ in nothing else are one.
    fn renumber(&mut self) {
        let mut numbers = BTreeSet::from([0, u64::MAX]);
        self.each_number(|number| _ = numbers.insert(*number));
        self.each_number(|number| {
            if *number != u64::MAX {
                *number = numbers.range(..*number).count() as u64;
            }
        });
    }

    /// Members are alike, so states that differ in their names are one.
    fn rename(&mut self) {
        let key = |at: &usize| {
            let mut peer = self.peers[*at].clone();
            peer.member.rename(|name| (name == NAMES[*at]).to_string());
            let strays = self.strays.iter().map(|stray| match stray {
                Stray::Tell(word) => word.member == NAMES[*at],
                Stray::Lease(from) => from == at,
            });
            let strays: Vec<_> = strays.collect();
            let mut hasher = DefaultHasher::new();
            (peer, strays, self.ledger.about(NAMES[*at])).hash(&mut hasher);
            hasher.finish()
        };
        let mut order: Vec<_> = (0..MEMBERS).collect();
        order.sort_by_cached_key(key);
        if order.is_sorted() {
            return;
        }
        let place = |old: usize| order.iter().position(|at| *at == old).unwrap();
        let name = |old: &str| {
            let old = NAMES.iter().position(|name| *name == old).unwrap();
            NAMES[place(old)].to_owned()
        };
        self.ledger.rename(name);
        self.peers.iter_mut().for_each(|peer| peer.member.rename(name));
        for stray in &mut self.strays {
            match stray {
                Stray::Tell(word) => word.member = name(&word.member),
                Stray::Lease(from) => *from = place(*from),
            }
        }
        self.peers = order.iter().map(|at| self.peers[*at].clone()).collect();
    }

    /// Everything that waits is sent, and all members ask what is new, twice. No call is made.
    fn polled(mut self) -> Self {
        self.strays.clear();
        self.peers.iter_mut().for_each(|peer| peer.is_cut = false);
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

    /// F7: all members go by what the ledger says, and the ledger has the votes that there are.
    fn agrees(&self) -> bool {
        self.living().all(|at| {
            let circuit = &self.peers[at].member.home;
            let Some(truth) = self.truth(at) else {
                return circuit.evidence().is_none_or(|left| left <= 1);
            };
            let known = self.record(at).map(|it| (it.round, it.stand));
            let is_in_force = !truth.left.is_zero() || truth.prober.is_some();
            let may_be_closed =
                circuit.has_vetoed() || self.peers[at].member.follows(CIRCUIT, truth.round);
            let is_right = match truth.stand {
                Stand::Open => !is_in_force || !circuit.is_closed() || may_be_closed,
                Stand::Recovered | Stand::Withdrawn => !circuit.is_open_by(TripKind::Fleet),
                Stand::Counting => true,
            };
            let has_evidence = circuit.evidence().is_some_and(|left| left > 1);
            let is_counted = if truth.has_voted { !circuit.is_closed() } else { !has_evidence };
            known == Some((truth.round, truth.stand)) && is_right && is_counted
        })
    }

    /// The dependency is well, calls come, and nothing is lost: all circuits close.
    fn recovers(&self) -> bool {
        let mut fleet = self.clone();
        fleet.strays.clear();
        for _ in 0..COOLDOWN_MAX + LONGEST_WAIT + 4 {
            let living: Vec<_> = fleet.living().collect();
            // Once to ask, once to probe.
            for _ in 0..2 {
                for at in living.iter().copied() {
                    fleet.circuit(at).call(true);
                    if fleet.circuit(at).has_probe() {
                        fleet.circuit(at).settle(true);
                    }
                    fleet.beat(at, Fate::Arrives);
                    fleet.say(at, Fate::Arrives);
                    if fleet.circuit(at).wish.wants_probe {
                        fleet.ask(at, Fate::Arrives);
                    }
                }
            }
            if living.iter().all(|at| fleet.peers[*at].member.home.is_closed()) {
                return true;
            }
            fleet.next(Event::Tick);
        }
        false
    }
}

impl Model for Bounds {
    type State = Fleet;
    type Action = Event;

    fn init_states(&self) -> Vec<Fleet> {
        vec![Fleet::new(*self)]
    }

    fn actions(&self, fleet: &Fleet, events: &mut Vec<Event>) {
        if fleet.broken.is_some() {
            return;
        }
        // Members beat once in a tick, and send what happened at once, unless they cannot.
        let is_idle = |peer: &Peer| {
            let Wish { happened, wants_probe } = peer.member.home.wish;
            peer.is_dead || peer.is_cut || peer.has_beaten && happened.is_none() && !wants_probe
        };
        if fleet.now < self.ticks && fleet.peers.iter().all(is_idle) {
            events.push(Event::Tick);
        }
        let fates = if fleet.faults > 0 { &FATES[..] } else { &FATES[..1] };
        for at in fleet.living() {
            let Peer { member, is_connected, is_cut, .. } = &fleet.peers[at];
            let circuit = &member.home;
            match circuit.state(CIRCUIT) {
                Some(Phase::Closed) if fleet.failures > 0 => events.push(Event::Call(at, false)),
                Some(Phase::Open) => events.push(Event::Call(at, true)),
                Some(Phase::HalfOpen) if circuit.has_probe() => {
                    events.push(Event::Settle(at, true));
                    if fleet.failures > 0 {
                        events.push(Event::Settle(at, false));
                    }
                }
                _ => {}
            }
            if fleet.resets > 0 && !circuit.is_closed() {
                events.push(Event::Reset(at));
            }
            if *is_connected && circuit.wish.happened.is_some() {
                events.extend(fates.iter().map(|fate| Event::Tell(at, *fate)));
            }
            if *is_connected && circuit.wish.happened.is_none() && circuit.wish.wants_probe {
                events.extend(fates.iter().map(|fate| Event::Ask(at, *fate)));
            }
            let beats = fates.iter().filter(|it| !matches!(it, Fate::ComesTwice | Fate::ComesLate));
            if *is_cut {
                events.push(Event::Mend(at));
                continue;
            }
            events.extend(beats.map(|fate| Event::Beat(at, *fate)));
            if fleet.faults > 0 {
                events.push(Event::Cut(at));
            }
        }
        if fleet.crashes > 0 {
            events.extend(fleet.living().map(Event::Crash));
        }
        events.extend((0..fleet.strays.len()).map(Event::Arrive));
        if fleet.restarts > 0 {
            events.push(Event::Restart);
        }
    }

    fn next_state(&self, fleet: &Fleet, event: Event) -> Option<Fleet> {
        let mut next = fleet.clone();
        next.next(event);
        next.renumber();
        next.rename();
        (next != *fleet).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("f02_f04_f05", |_, fleet: &Fleet| fleet.broken.is_none()),
            Property::always("f05_one_prober", |_, fleet: &Fleet| {
                let seen = |at: &usize| {
                    fleet.record(*at).map(|it| it.prober) == fleet.truth(*at).map(|it| it.prober)
                };
                let probes = |at: &usize| fleet.peers[*at].member.home.is_probing_by_lease();
                fleet.living().filter(|at| probes(at) && seen(at)).count() <= 1
            }),
            Property::always("f07_all_agree", |_, fleet: &Fleet| fleet.clone().polled().agrees()),
            Property::always("f06_all_close", |_, fleet: &Fleet| fleet.recovers()),
            Property::sometimes("the fleet opens", |_, fleet: &Fleet| {
                fleet.peers.iter().any(|peer| peer.member.home.is_open_by(TripKind::Fleet))
            }),
            Property::sometimes("one probes", |_, fleet: &Fleet| {
                fleet.peers.iter().any(|peer| peer.member.home.is_probing_by_lease())
            }),
            Property::sometimes("its verdict closes", |_, fleet: &Fleet| {
                fleet.truth(0).is_some_and(|record| record.stand == Stand::Recovered)
            }),
        ]
    }
}

fn check(all: &[Bounds]) {
    for bounds in all {
        let checker = bounds.checker().threads(2).spawn_dfs().join();
        let (states, different) = (checker.state_count(), checker.unique_state_count());
        eprintln!("{bounds:?}: {states} states, {different} of them different");
        checker.assert_properties();
    }
}

const LITTLE: Bounds =
    Bounds { ticks: 2, failures: 2, faults: 0, crashes: 0, restarts: 0, resets: 0 };

#[test]
fn f06_the_protocol_keeps_its_rules_in_every_order_of_events() {
    check(&[LITTLE]);
}

#[test]
#[ignore = "minutes long: `.ci/deep protocol` runs it"]
fn f06_the_protocol_keeps_its_rules_whatever_goes_wrong() {
    check(&[
        Bounds { ticks: 3, failures: 3, ..LITTLE },
        Bounds { ticks: 3, resets: 1, ..LITTLE },
        Bounds { ticks: 4, crashes: 1, ..LITTLE },
        Bounds { ticks: 3, restarts: 1, ..LITTLE },
        Bounds { ticks: 3, faults: 1, ..LITTLE },
        Bounds { faults: 1, crashes: 1, restarts: 1, ..LITTLE },
        Bounds { faults: 2, ..LITTLE },
    ]);
}
