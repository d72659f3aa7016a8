//! What the model checker and the simulation found in members, one by one. Time is moved by hand.

use std::sync::Arc;

use breaker_runtime::{
    CircuitBreaker, Clock, Config, ManualClock, OwnedPermit, Policy, Registry, Subscription,
};

use super::*;
use crate::engine::{Ask, Beat};
use crate::inbox::Inbox;
use crate::ledger::Ledger;

const CIRCUIT: &str = "payments";
const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(30);
const ALMOST: Duration = Duration::from_secs(29);

struct Peer {
    member: Member,
    circuit: Arc<CircuitBreaker>,
    inbox: Arc<Inbox>,
    _listening: Subscription,
}

/// Members on one clock, which hear nothing until they ask.
struct Fleet {
    ledger: Ledger,
    clock: ManualClock,
    now: Duration,
    peers: Vec<Peer>,
}

impl Fleet {
    fn new(members: usize) -> Self {
        let (ledger, clock) = (Ledger::new(1), ManualClock::new());
        let mut fleet = Self { ledger, clock, now: Duration::ZERO, peers: Vec::new() };
        for _ in 0..members {
            fleet.join(Config::new().failure_threshold(1));
        }
        fleet
    }

    /// Two members opened the circuit on their own evidence, and the others because of that.
    fn open(members: usize) -> Self {
        let mut fleet = Self::new(members);
        (0..2).for_each(|at| fleet.fail(at));
        fleet.poll();
        assert!(fleet.peers.iter().all(|peer| peer.circuit.state() == State::Open));
        fleet
    }

    /// The member with that number holds the lease.
    fn leased(members: usize, prober: usize) -> Self {
        let mut fleet = Self::open(members);
        fleet.wait(COOLDOWN);
        fleet.poll();
        assert!(fleet.call(prober).is_none(), "it must ask");
        fleet.send(prober);
        fleet
    }

    fn join(&mut self, config: Config) -> usize {
        let registry = Arc::new(Registry::with_clock(Clock::Manual(self.clock.clone())));
        let config = config.cooldown(COOLDOWN).success_threshold(1);
        let circuit = registry.circuit(CIRCUIT, config).unwrap();
        let inbox = Arc::new(Inbox::default());
        let heard = Arc::clone(&inbox);
        let listening = registry.subscribe_to_changes(move |event| heard.hear(event));
        let mut policies = Policies::default();
        policies.set(CIRCUIT, Policy::Quorum);
        let (at, home) = (self.peers.len(), Home::Own(registry));
        let member = Member::new(format!("m{at}"), policies, home);
        self.peers.push(Peer { member, circuit, inbox, _listening: listening });
        self.beat(at);
        at
    }

    fn wait(&mut self, time: Duration) {
        self.clock.advance(time);
        self.now += time;
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.now.as_millis()).unwrap()
    }

    fn beat(&mut self, at: usize) {
        let (now, asked) = (self.millis(), self.now);
        let member = &mut self.peers[at].member;
        let (life, version) = member.seen();
        let beat = Beat { member: &format!("m{at}"), alive_for: GONE, life, version };
        let report = self.ledger.beat(beat, now);
        let news = member.learn(report, asked);
        member.advise_all(asked);
        member.amend(&news).iter().for_each(|word| self.ledger.tell(word, now));
    }

    /// Sends what waits to be sent.
    fn send(&mut self, at: usize) {
        let (now, asked) = (self.millis(), self.now);
        let Peer { member, inbox, .. } = &mut self.peers[at];
        let wish = inbox.take().remove(CIRCUIT).unwrap_or_default();
        if let Some(word) = wish.happened.and_then(|happened| member.say(CIRCUIT, happened)) {
            self.ledger.tell(&word, now);
        }
        if wish.wants_probe {
            let lasts = member.lease_for(CIRCUIT).unwrap();
            let ask = Ask { member: &format!("m{at}"), circuit: CIRCUIT, lasts };
            let leased = self.ledger.lease(ask, now);
            member.take_lease(CIRCUIT, lasts, leased, asked, asked);
        }
    }

    fn poll(&mut self) {
        (0..self.peers.len()).for_each(|at| self.send(at));
        (0..self.peers.len()).for_each(|at| self.beat(at));
    }

    /// A call that is under way, if it is let in.
    fn call(&self, at: usize) -> Option<OwnedPermit> {
        self.peers[at].circuit.try_acquire_owned().ok()
    }

    fn fail(&self, at: usize) {
        self.call(at).unwrap().failure();
    }

    fn state(&self, at: usize) -> State {
        self.peers[at].circuit.state()
    }

    fn reconnect(&mut self, at: usize) {
        self.peers[at].member.lose_connection();
        self.beat(at);
    }

    fn record(&self) -> Record {
        self.ledger.record(CIRCUIT, "", self.millis()).unwrap()
    }

    /// What the member said when its circuit opened arrives now.
    fn word(&mut self, at: usize, what: What) {
        let now = self.millis();
        let word = Word { member: format!("m{at}"), circuit: CIRCUIT.to_owned(), what };
        self.ledger.tell(&word, now);
    }
}

fn vote(lasts: Duration) -> What {
    What::Vote { lasts, reopenings: 0, settings: 1, rule: Rule::QUORUM }
}

#[test]
fn f02_a_vote_that_came_late_is_taken_back() {
    let mut fleet = Fleet::new(3);
    fleet.word(0, vote(COOLDOWN));
    assert_eq!(fleet.record().votes, 1);
    fleet.beat(0);
    assert_eq!(fleet.record().votes, 0, "its circuit is closed");
}

#[test]
fn f02_a_vote_that_was_lost_is_cast_again() {
    let mut fleet = Fleet::new(3);
    fleet.fail(0);
    fleet.send(0);
    fleet.word(0, What::Withdraw);
    fleet.beat(0);
    assert_eq!(fleet.record().votes, 1);
}

#[test]
fn f02_a_vote_of_a_circuit_that_the_fleet_opened_since_is_taken_back() {
    let mut fleet = Fleet::open(3);
    fleet.word(2, vote(COOLDOWN));
    fleet.beat(2);
    assert_eq!((fleet.record().votes, fleet.state(2)), (3, State::Open));
    fleet.word(0, What::Withdraw);
    assert_eq!(fleet.record().stand, Stand::Withdrawn, "one vote is left");
}

#[test]
fn f02_what_the_fleet_adds_to_a_cooldown_is_no_vote() {
    let mut fleet = Fleet::new(3);
    fleet.fail(0);
    fleet.send(0);
    (1..3).for_each(|at| fleet.word(at, vote(COOLDOWN * 4)));
    fleet.beat(0);
    fleet.wait(SECOND * 10);
    assert_eq!(fleet.peers[0].circuit.snapshot().retry_after, Some(SECOND * 110));
    fleet.word(0, What::Withdraw);
    fleet.beat(0);
    assert_eq!(fleet.ledger.ends(CIRCUIT, "m0").vote, Some(30_000));
}

#[test]
fn f04_a_member_that_vetoed_is_asked_again_after_it_reconnects() {
    let mut fleet = Fleet::new(2);
    let well = fleet.join(Config::new().failure_threshold(10));
    (0..20).for_each(|_| fleet.call(well).unwrap().success());
    (0..2).for_each(|at| fleet.fail(at));
    fleet.poll();
    assert_eq!(fleet.state(well), State::Closed);
    fleet.reconnect(well);
    (0..9).for_each(|_| fleet.fail(well));
    fleet.beat(well);
    assert_eq!(fleet.state(well), State::Open);
}

#[test]
fn f04_a_member_that_joins_when_a_probe_is_due_opens_when_the_fleet_opens_again() {
    let mut fleet = Fleet::open(2);
    fleet.wait(COOLDOWN);
    fleet.poll();
    let late = fleet.join(Config::new());
    assert_eq!(fleet.state(late), State::Closed, "nothing is left of the votes");
    (0..2).for_each(|at| fleet.word(at, vote(COOLDOWN)));
    fleet.beat(late);
    assert_eq!(fleet.state(late), State::Open);
}

#[test]
fn f04_a_verdict_that_was_too_weak_for_a_time_is_put_to_the_circuit_again() {
    let mut fleet = Fleet::open(3);
    let weak = Rule { at_least: 1, per_mille: 1000 };
    fleet.peers[2].member.policies.quorum = weak;
    fleet.beat(2);
    fleet.peers[2].circuit.reset();
    fleet.peers[2].member.policies.quorum = Rule::QUORUM;
    fleet.beat(2);
    assert_eq!(fleet.state(2), State::Open);
}

#[test]
fn f04_a_member_whose_own_maximum_is_over_stays_alone_until_the_votes_are_over() {
    let mut fleet = Fleet::new(2);
    let hasty = fleet.join(Config::new().cooldown_multiplier(1.0).cooldown_max(COOLDOWN));
    (0..2).for_each(|at| fleet.word(at, vote(COOLDOWN * 4)));
    fleet.beat(hasty);
    fleet.wait(ALMOST);
    fleet.beat(hasty);
    fleet.wait(SECOND);
    assert!(fleet.call(hasty).is_none(), "it asks first");
    fleet.send(hasty);
    fleet.beat(hasty);
    assert!(fleet.call(hasty).is_some());
}

/// A member with a long vote probes, because a shorter one failed the last probe.
fn probing_voter() -> (Fleet, OwnedPermit) {
    let mut fleet = Fleet::leased(3, 0);
    fleet.word(1, vote(COOLDOWN * 2));
    fleet.call(0).unwrap().failure();
    fleet.send(0);
    fleet.wait(COOLDOWN);
    fleet.poll();
    assert!(fleet.call(1).is_none());
    fleet.send(1);
    let probe = fleet.call(1).unwrap();
    assert_eq!(fleet.state(1), State::HalfOpen);
    (fleet, probe)
}

#[test]
fn f05_a_probing_member_keeps_its_lease_when_it_reconnects() {
    let (mut fleet, probe) = probing_voter();
    fleet.reconnect(1);
    assert_eq!(fleet.record().prober.map(|(holder, _)| holder).as_deref(), Some("m1"));
    probe.success();
    fleet.send(1);
    assert_eq!(fleet.record().stand, Stand::Recovered);
}

#[test]
fn f05_a_verdict_that_waits_while_a_prober_reconnects_closes_all() {
    let (mut fleet, probe) = probing_voter();
    probe.success();
    fleet.reconnect(1);
    fleet.send(1);
    assert_eq!(fleet.record().stand, Stand::Recovered);
}

#[test]
fn f05_a_member_that_missed_the_recovery_closes() {
    let mut fleet = Fleet::leased(3, 0);
    fleet.peers[2].member.lose_connection();
    fleet.call(0).unwrap().success();
    fleet.send(0);
    fleet.beat(2);
    assert_eq!(fleet.state(2), State::Closed);
}

#[test]
fn f05_a_member_that_lost_its_lease_to_a_late_vote_stops_probing() {
    let mut fleet = Fleet::leased(3, 0);
    let _probe = fleet.call(0).unwrap();
    fleet.word(0, vote(SECOND));
    fleet.beat(0);
    assert_eq!(fleet.state(0), State::Open);
}

#[test]
fn f06_a_circuit_that_the_engine_has_forgotten_probes_alone() {
    let mut fleet = Fleet::open(2);
    for _ in 0..200 {
        fleet.wait(SECOND * 4);
        fleet.poll();
    }
    assert!(fleet.call(0).is_none(), "it asks first");
    fleet.send(0);
    fleet.wait(SECOND * 4);
    fleet.poll();
    assert!(fleet.call(0).is_some());
}

#[test]
fn f05_a_member_that_asks_after_the_verdict_waits_for_it_and_does_not_probe_alone() {
    let mut fleet = Fleet::leased(3, 0);
    // The second asks too, and is heard when the first has closed the circuit for all.
    assert!(fleet.call(1).is_none());
    fleet.call(0).expect("it has the lease").success();
    fleet.send(0);
    fleet.send(1);
    assert!(fleet.call(1).is_none(), "it does not know the verdict yet, and does not probe alone");
    fleet.beat(1);
    assert_eq!(fleet.state(1), State::Closed);
}

#[test]
fn f09_orders_of_an_engine_that_lost_the_last_of_them_are_carried_out() {
    let mut fleet = Fleet::new(1);
    let posted = |number, what: &str| Posted {
        circuit: CIRCUIT.to_owned(),
        number,
        what: what.to_owned(),
        by: "ops".to_owned(),
        left: SECOND * 900,
    };
    let report = |version, order: Posted| Report {
        life: 1,
        version,
        is_whole: true,
        orders: vec![order],
        ..Report::default()
    };
    let now = fleet.now;
    for (version, order) in [
        (6, posted(6, "mode=forced_open")),
        // Its replica knew nothing of that.
        (4, posted(4, "mode=normal")),
        (6, posted(6, "mode=forced_open")),
        (6, posted(6, "mode=normal")),
    ] {
        let expected = if order.what == "mode=normal" { State::Closed } else { State::ForcedOpen };
        let member = &mut fleet.peers[0].member;
        member.lose_connection();
        member.learn(report(version, order), now);
        member.advise_all(now);
        assert_eq!(fleet.peers[0].circuit.state(), expected, "version {version}");
    }
}
