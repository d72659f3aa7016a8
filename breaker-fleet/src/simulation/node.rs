//! One member of a simulated fleet: the real member and a real circuit, on a clock of its own. It does what the task
//! does, and watches that its circuit keeps the rules.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::{
    Cause, CircuitBreaker, Clock, Config, EventKind, Lease, ManualClock, OwnedPermit, Registry,
    RejectedReason, Settings, State, Subscription, Transition, TripKind,
};

use super::net::{Answer, CIRCUIT, Net, Verb};
use crate::engine::{Record, Stand, What, Word};
use crate::home::Home;
use crate::inbox::{Inbox, Wish, merge};
use crate::member::{BEAT, Member};
use crate::policy::{Policies, Rule};
use crate::task::{ANSWER, LONGEST_RETRY, SHORTEST_RETRY};

/// The length of a step, and what clocks may be wrong by.
pub(super) const SLACK: Duration = Duration::from_secs(1);

/// A request whose answer is awaited.
#[derive(Debug)]
struct Waiting {
    verb: Verb,
    answer: Option<Answer>,
    asked: Duration,
    due: u64,
}

/// What a node has seen its circuit do, on the node's own clock.
#[derive(Debug, Default)]
struct Watch {
    /// When its own evidence expires.
    own_until: Duration,
    /// What opened it last.
    opened_by: Option<TripKind>,
    /// Since when nothing new holds it open.
    evidence_at: Duration,
    /// The first call that was refused when no evidence could hold the circuit any more.
    first_refusal: Option<Duration>,
    /// The last decision of the fleet that it has heard.
    heard: (u64, u64, bool),
    /// It had vetoed that.
    has_vetoed: bool,
    /// The last decision that it had heard when it closed by itself.
    closed_after: Option<(u64, u64, bool)>,
}

impl Watch {
    /// Something new holds it open.
    fn is_evident(&mut self, now: Duration) {
        (self.evidence_at, self.first_refusal) = (now, None);
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) circuit: Arc<CircuitBreaker>,
    pub(super) member: Member,
    pub(super) settings: Settings,
    pub(super) rule: Rule,
    /// Seconds on its clock per second.
    rate: f64,
    clock: ManualClock,
    pub(super) now: Duration,
    inbox: Arc<Inbox>,
    transitions: Arc<Mutex<Vec<Transition>>>,
    _listening: Subscription,
    is_connected: bool,
    beat_at: Duration,
    retry: Duration,
    plan: VecDeque<Verb>,
    waiting: Option<Waiting>,
    /// The wishes that were sent and are not confirmed.
    unsent: BTreeMap<String, Wish>,
    heard_version: u64,
    probes: Vec<(Duration, OwnedPermit)>,
    watch: Watch,
    pub(super) cut_until: u64,
    pub(super) stalled_until: u64,
    /// The share of its calls that fail.
    pub(super) sick: f64,
    /// The calls in a step.
    pub(super) traffic: f64,
    /// The longest that a probe takes, as a share of `probe_timeout`.
    pub(super) probes_take: f64,
}

impl Node {
    pub(super) fn new(id: String, policies: &Policies, config: Config, rate: f64) -> Self {
        let clock = ManualClock::new();
        let registry = Arc::new(Registry::with_clock(Clock::Manual(clock.clone())));
        let circuit = registry.circuit(CIRCUIT, config).unwrap();
        let inbox = Arc::new(Inbox::default());
        let transitions = Arc::new(Mutex::new(Vec::<Transition>::new()));
        let (heard, seen) = (Arc::clone(&inbox), Arc::clone(&transitions));
        let listening = registry.subscribe_to_changes(move |event| {
            heard.hear(event);
            if let EventKind::Transition(transition) = &event.kind {
                seen.lock().unwrap().push(*transition);
            }
        });
        let home = Home::Own(Arc::clone(&registry));
        Self {
            member: Member::new(id.clone(), policies.clone(), home),
            settings: config.settings(),
            rule: policies.rule(CIRCUIT, None).unwrap().1,
            id,
            circuit,
            rate,
            clock,
            now: Duration::ZERO,
            inbox,
            transitions,
            _listening: listening,
            is_connected: false,
            beat_at: Duration::ZERO,
            retry: SHORTEST_RETRY,
            plan: VecDeque::new(),
            waiting: None,
            unsent: BTreeMap::new(),
            heard_version: 0,
            probes: Vec::new(),
            watch: Watch::default(),
            cut_until: 0,
            stalled_until: 0,
            sick: 0.0,
            traffic: 0.0,
            probes_take: 1.1,
        }
    }

    pub(super) fn tick(&mut self, by: Duration) {
        let by = by.mul_f64(self.rate);
        self.clock.advance(by);
        self.now += by;
    }

    /// The time that it is open for after the last evidence, before it asks and after that.
    fn limits(&self) -> (Duration, Duration) {
        let Settings { cooldown_max, probe_timeout, .. } = self.settings;
        (cooldown_max, cooldown_max.max(probe_timeout))
    }

    /// Makes calls.
    pub(super) fn call(&mut self, net: &mut Net) {
        let now = self.now;
        for (_, probe) in self.probes.extract_if(.., |(ends, _)| *ends <= now) {
            if net.is(self.sick) {
                probe.failure();
            } else if net.is(0.95) {
                probe.success();
            }
        }
        if !net.is(self.traffic) {
            return;
        }
        match self.circuit.try_acquire_owned() {
            Ok(permit) if permit_is_probe(&self.circuit) => {
                let takes = self.settings.probe_timeout.mul_f64(net.rng.f64() * self.probes_take);
                self.probes.push((now + takes, permit));
            }
            Ok(permit) if net.is(self.sick) => permit.failure(),
            Ok(permit) => permit.success(),
            Err(refused) if refused.reason() == RejectedReason::Open => self.refused(),
            Err(_) => {}
        }
        self.observe();
    }

    /// F6: nothing holds a circuit for longer than its own limits.
    fn refused(&mut self) {
        self.observe();
        let (longest, hold) = self.limits();
        if self.now <= self.watch.evidence_at + longest {
            return;
        }
        let first = *self.watch.first_refusal.get_or_insert(self.now);
        assert!(
            self.now <= first + hold + SLACK,
            "F6: {} is open at {:?}, since evidence at {:?} and a refusal at {first:?}: {}",
            self.id,
            self.now,
            self.watch.evidence_at,
            self.circuit.snapshot().explain(),
        );
    }

    /// Takes note of what the circuit did.
    pub(super) fn observe(&mut self) -> Vec<Transition> {
        let news = std::mem::take(&mut *self.transitions.lock().unwrap());
        for transition in &news {
            match (transition.to, transition.cause) {
                (State::Open, Cause::Tripped(reason)) => {
                    self.watch.opened_by = Some(reason.kind);
                    self.watch.is_evident(self.now);
                    if reason.kind.is_evidence() {
                        let left = transition.retry_after.unwrap_or(Duration::MAX);
                        self.watch.own_until = self.now + left;
                    }
                }
                (State::HalfOpen, _) => self.watch.first_refusal = None,
                (State::Closed, cause) => {
                    self.watch.first_refusal = None;
                    if cause != Cause::RecoveredElsewhere {
                        self.watch.closed_after = Some(self.watch.heard);
                    }
                }
                _ => {}
            }
        }
        news
    }

    /// Does what the task does, as far as it gets.
    pub(super) fn turn(&mut self, net: &mut Net) {
        if self.is_connected && net.ledger.version() != self.heard_version {
            self.heard_version = net.ledger.version();
            if !net.is(net.faults.unheard) && net.now >= self.cut_until {
                self.beat_at = self.now;
            }
        }
        loop {
            if let Some(waiting) = self.waiting.take_if(|it| net.now >= it.due) {
                self.take(waiting, net);
            } else if let Some(waiting) = &self.waiting {
                if self.now > waiting.asked + ANSWER {
                    self.disconnect(net);
                }
                return;
            } else if let Some(verb) = self.plan.pop_front() {
                let is_cut = net.now < self.cut_until;
                let (answer, takes) = if is_cut { (None, 400) } else { net.send(&self.id, &verb) };
                let (asked, due) = (self.now, net.now + takes);
                self.waiting = Some(Waiting { verb, answer, asked, due });
            } else if !self.make_plan() {
                return;
            }
        }
    }

    fn beat(&self) -> Verb {
        let (life, version) = self.member.seen();
        Verb::Beat { life, version }
    }

    fn make_plan(&mut self) -> bool {
        if self.is_connected {
            let mut wishes = std::mem::take(&mut self.unsent);
            merge(&mut wishes, self.inbox.take());
            let says = |(circuit, wish): (&String, &Wish)| self.member.say(circuit, wish.happened?);
            let words: Vec<_> = wishes.iter().filter_map(says).collect();
            if !words.is_empty() {
                let words = self.checked(words);
                self.plan.push_back(Verb::Tell(words));
            }
            let asks = wishes.values().filter(|wish| wish.wants_probe).count();
            let renewals = self.member.leases_to_renew(self.now).len();
            let lasts = self.settings.probe_timeout;
            self.plan.extend((0..asks + renewals).map(|_| Verb::Lease(lasts)));
            for wish in wishes.values_mut() {
                wish.wants_probe = false;
            }
            self.unsent = if self.plan.iter().any(|verb| matches!(verb, Verb::Tell(_))) {
                wishes
            } else {
                BTreeMap::new()
            };
        }
        if self.now >= self.beat_at {
            self.plan.push_back(self.beat());
            self.beat_at = Duration::MAX;
        }
        !self.plan.is_empty()
    }

    /// F2: a vote is for what is left of its own cooldown.
    fn checked(&mut self, words: Vec<Word>) -> Vec<Word> {
        self.observe();
        for word in &words {
            if let What::Vote { lasts, .. } = word.what {
                let Watch { opened_by, own_until, .. } = self.watch;
                assert!(
                    opened_by.is_some_and(TripKind::is_evidence)
                        && self.now + lasts <= own_until + SLACK,
                    "F2: {} votes at {:?} for {lasts:?}, opened by {opened_by:?} until {own_until:?}",
                    self.id,
                    self.now
                );
            }
        }
        words
    }

    fn take(&mut self, waiting: Waiting, net: &mut Net) {
        let Waiting { verb, answer, asked, .. } = waiting;
        let Some(answer) = answer else { return self.disconnect(net) };
        match (verb, answer) {
            (Verb::Lease(lasts), Answer::Leased(leased)) => {
                self.member.take_lease(CIRCUIT, lasts, leased, asked, self.now);
                self.see_let_go();
            }
            (_, Answer::Report(report)) => {
                let news = self.member.learn(report, asked);
                self.member.advise_all(self.now);
                self.see_let_go();
                let amends = self.member.amend(&news);
                if !amends.is_empty() {
                    let amends = self.checked(amends);
                    self.plan.push_front(Verb::Tell(amends));
                }
                self.beat_at = self.now + BEAT.mul_f64(0.9 + 0.2 * net.rng.f64());
                (self.is_connected, self.retry) = (true, SHORTEST_RETRY);
                self.heard();
            }
            _ => self.unsent.clear(),
        }
    }

    /// With a lease, or alone, it would let a call in. None may come.
    fn see_let_go(&mut self) {
        if let None | Some(Lease::Own(_)) = self.circuit.snapshot().lease {
            self.watch.first_refusal = None;
        }
    }

    /// F5: who hears that it has no lease does not probe with one.
    fn heard(&mut self) {
        let Some(record) = self.record() else { return };
        let is_met = record.votes >= self.rule.needed(record.members);
        let heard = (self.member.seen().0, record.round, is_met);
        let is_news = heard != self.watch.heard || self.watch.has_vetoed;
        if is_news && record.stand == Stand::Open {
            self.watch.is_evident(self.now);
        }
        self.watch.heard = heard;
        let snapshot = self.circuit.snapshot();
        self.watch.has_vetoed = snapshot.vetoed.is_some();
        if is_met && snapshot.lease == Some(Lease::Unasked) {
            self.is_not_held_by_votes(&record);
        }
        let has_lease = record.prober.is_some_and(|(holder, _)| holder == self.id);
        let probes =
            snapshot.state == State::HalfOpen && matches!(snapshot.lease, Some(Lease::Own(_)));
        assert!(has_lease || !probes, "F5: {} probes with a lease that it has lost", self.id);
    }

    /// F4: it need not ask while votes last that hold it no longer.
    fn is_not_held_by_votes(&self, record: &Record) {
        let lasts = record.stand == Stand::Open && !record.left.is_zero();
        let is_over = self.now > self.watch.evidence_at + self.limits().0 + SLACK;
        let is_seen = self.transitions.lock().unwrap().is_empty();
        assert!(
            !(lasts && record.prober.is_none() && is_over && is_seen),
            "F4: {} is held by votes for longer than its own maximum",
            self.id
        );
    }

    fn disconnect(&mut self, net: &mut Net) {
        (self.waiting, self.is_connected) = (None, false);
        // Alone, it would have let a call in.
        self.watch.first_refusal = None;
        self.plan.clear();
        self.member.lose_connection();
        self.beat_at = self.now + self.retry.mul_f64(0.5 + 0.5 * net.rng.f64());
        self.retry = (self.retry * 2).min(LONGEST_RETRY);
    }

    /// What it knows about its circuit.
    pub(super) fn record(&self) -> Option<Record> {
        self.member.records(self.now).next()
    }

    /// No call is made any more, and probes end.
    pub(super) fn freeze(&mut self) {
        (self.cut_until, self.stalled_until, self.traffic) = (0, 0, 0.0);
        self.probes.drain(..).for_each(|(_, probe)| probe.ignore());
        self.observe();
    }

    /// All agree: what the ledger says is what the member knows, and its circuit goes by it.
    pub(super) fn agrees(&self, net: &Net) -> Result<(), String> {
        let (life, truth) = net.truth(&self.id);
        let snapshot = self.circuit.snapshot();
        let told = |what: &str| {
            let known = self.record();
            Err(format!(
                "{what}: {} knows {known:?}, the truth is {truth:?}; {}",
                self.id,
                snapshot.explain()
            ))
        };
        if self.member.seen().0 != life {
            return told("another life");
        }
        let Some(record) = &truth else { return Ok(()) };
        let key = |it: &Record| (it.round, it.stand);
        if self.record().as_ref().map(key) != Some(key(record)) {
            return told("out of date");
        }
        let is_held = record.left > SLACK || record.prober.is_some();
        let is_met = record.votes >= self.rule.needed(record.members);
        let may_be_closed = snapshot.vetoed.is_some()
            || self.watch.closed_after == Some((life, record.round, true));
        let opened_by = snapshot.trip_reason.map(|reason| reason.kind);
        match (record.stand, snapshot.state) {
            (Stand::Open, State::Closed) if is_held && is_met && !may_be_closed => told("closed"),
            (Stand::Recovered | Stand::Withdrawn, State::Open)
                if opened_by == Some(TripKind::Fleet) =>
            {
                told("open")
            }
            (_, State::Closed) if record.has_voted => told("a vote that it does not hold"),
            (_, State::Open)
                if !record.has_voted
                    && self.circuit.evidence_left().is_some_and(|left| left > BEAT * 2) =>
            {
                told("a vote that is not counted")
            }
            _ => Ok(()),
        }
    }
}

fn permit_is_probe(circuit: &CircuitBreaker) -> bool {
    circuit.state() == State::HalfOpen
}
