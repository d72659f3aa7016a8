//! The state of the model, and what events do to it.

use std::time::Duration;

use breaker_runtime::{Policy, TripKind};

use super::circuit::{COOLDOWN, Circuit, PROBE_TIMEOUT};
use super::rules::Rule;
use super::{Bounds, CIRCUIT, MEMBERS, NAMES, time_of};
use crate::engine::{Ask, Beat, Leased, Record, Report, Word};
use crate::ledger::Ledger;
use crate::member::{BEAT, GONE, Member};
use crate::policy::Policies;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fleet {
    pub(super) now: u64,
    life: u64,
    pub(super) ledger: Ledger,
    pub(super) peers: Vec<Peer>,
    /// Requests that are still under way.
    pub(super) strays: Vec<Request>,
    /// A word came late or twice: it may have taken a lease from a member that does not know yet.
    pub(super) has_strayed: bool,
    /// What may still happen.
    pub(super) left: Bounds,
    /// Only the end counts: the steps to it are not judged.
    pub(super) is_epilogue: bool,
    /// The rule that was broken, and how.
    pub(super) broken: Option<(Rule, &'static str)>,
}

#[expect(clippy::struct_excessive_bools, reason = "each says something else about it")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    pub(super) member: Member<Circuit>,
    pub(super) is_connected: bool,
    pub(super) is_dead: bool,
    /// It cannot reach the engine.
    pub(super) is_cut: bool,
    /// It was heard since the last tick.
    has_beaten: bool,
    /// It is suspended, and finds this answer to what it asked then.
    pub(super) answer: Option<(u64, Answer)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Request {
    Beat(usize),
    Tell(Word),
    Lease(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    /// With all that the engine knew about the circuit.
    Report(Report, Option<Record>),
    Told,
    Leased(Leased),
}

/// How a request fares on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Arrives,
    IsLost,
    AnswerIsLost,
    ComesTwice,
    ComesLate,
    /// The member is suspended before it has the answer.
    Suspends,
}

impl Fate {
    pub(super) const ALL: [Self; 6] = [
        Self::Arrives,
        Self::IsLost,
        Self::AnswerIsLost,
        Self::ComesTwice,
        Self::ComesLate,
        Self::Suspends,
    ];
}

/// How a call or a probe ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Good,
    Bad,
    /// It is refused, it is a probe that is under way, or it is cancelled.
    None,
}

/// The numbers are places of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Tick,
    Call(usize, Ending),
    Settle(usize, Ending),
    Reset(usize),
    Tell(usize, Fate),
    Ask(usize, Fate),
    /// What came twice or late is a word that the member sent because of the report.
    Beat(usize, Fate),
    /// A stray request of that number.
    Arrive(usize),
    Resume(usize),
    Cut(usize),
    Mend(usize),
    Crash(usize),
    Restart,
}

impl Peer {
    pub(super) fn new(name: &str) -> Self {
        let mut policies = Policies::default();
        policies.set(CIRCUIT, Policy::Quorum);
        Self {
            member: Member::new(name.to_owned(), policies, Circuit::default()),
            is_connected: false,
            is_dead: false,
            is_cut: false,
            has_beaten: false,
            answer: None,
        }
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.answer.is_some()
    }

    /// It has nothing to do before the next tick.
    pub(super) fn is_idle(&self) -> bool {
        let wish = self.member.home.wish;
        let is_done = self.has_beaten && wish.happened.is_none() && !wish.wants_probe;
        self.is_dead || self.is_cut || self.is_suspended() || is_done
    }
}

impl Fleet {
    pub(super) fn new(bounds: Bounds) -> Self {
        let mut fleet = Self {
            now: 0,
            life: 1,
            ledger: Ledger::new(1),
            peers: NAMES.map(Peer::new).to_vec(),
            strays: Vec::new(),
            has_strayed: false,
            left: bounds,
            is_epilogue: false,
            broken: None,
        };
        // Twice, so that all know of all.
        for _ in 0..2 {
            (0..MEMBERS).for_each(|at| fleet.beat(at, Fate::Arrives));
        }
        if bounds.is_open {
            fleet.open();
        }
        fleet
    }

    /// Two members find the dependency sick, and their votes run out.
    fn open(&mut self) {
        for at in 0..2 {
            self.circuit(at).call(false);
            self.say(at, Fate::Arrives);
        }
        (0..MEMBERS).for_each(|at| self.beat(at, Fate::Arrives));
        for _ in 0..COOLDOWN {
            self.tick();
            (0..MEMBERS).for_each(|at| self.beat(at, Fate::Arrives));
        }
        self.left.ticks += COOLDOWN;
    }

    /// On the clock of the engine.
    pub(super) fn millis(&self) -> u64 {
        self.now * BEAT.as_secs() * 1000
    }

    pub(super) fn time(&self) -> Duration {
        time_of(self.now)
    }

    pub(super) fn circuit(&mut self, at: usize) -> &mut Circuit {
        &mut self.peers[at].member.home
    }

    pub(super) fn living(&self) -> impl Iterator<Item = usize> {
        (0..MEMBERS).filter(|at| !self.peers[*at].is_dead)
    }

    /// The members that probe by a lease.
    pub(super) fn probers(&self) -> impl Iterator<Item = usize> {
        self.living().filter(|at| self.peers[*at].member.home.is_probing_by_lease())
    }

    pub(super) fn is_open_by(&self, kind: TripKind) -> bool {
        self.living().any(|at| self.peers[at].member.home.is_open_by(kind))
    }

    /// Whether the engine has forgotten what it knew.
    pub(super) fn has_restarted(&self) -> bool {
        self.life > 1
    }

    /// What a member knows.
    pub(super) fn known(&self, at: usize) -> Option<Record> {
        self.peers[at].member.records(self.time()).next()
    }

    /// What the engine knows.
    pub(super) fn truth(&self) -> Option<Record> {
        self.ledger.record(CIRCUIT, "", self.millis())
    }

    pub(super) fn happens(&mut self, event: Event) {
        match event {
            Event::Tick => self.tick(),
            Event::Call(at, ending) => {
                self.left.failures -= u8::from(ending == Ending::Bad);
                self.left.well -= u8::from(ending == Ending::Good);
                self.circuit(at).call(ending != Ending::Bad);
            }
            Event::Settle(at, Ending::None) => {
                self.left.cancels -= 1;
                self.circuit(at).cancel();
            }
            Event::Settle(at, ending) => {
                self.left.failures -= u8::from(ending == Ending::Bad);
                self.circuit(at).settle(ending == Ending::Good);
            }
            Event::Reset(at) => {
                self.left.resets -= 1;
                self.circuit(at).reset();
            }
            Event::Tell(at, fate) => self.say(at, fate),
            Event::Ask(at, fate) => self.ask(at, fate),
            Event::Beat(at, fate) => self.beat(at, fate),
            Event::Arrive(at) => {
                let request = self.strays.remove(at);
                self.has_strayed |= matches!(request, Request::Tell(_));
                self.serve(&request);
            }
            Event::Resume(at) => self.resume(at),
            Event::Cut(at) => {
                self.left.faults -= 1;
                self.peers[at].is_cut = true;
                self.disconnect(at);
            }
            Event::Mend(at) => self.peers[at].is_cut = false,
            Event::Crash(at) => {
                self.left.crashes -= 1;
                self.peers[at] = Peer { is_dead: true, ..Peer::new(NAMES[at]) };
            }
            Event::Restart => {
                self.left.restarts -= 1;
                self.life += 1;
                self.ledger = Ledger::new(self.life);
            }
        }
    }

    fn tick(&mut self) {
        self.now += 1;
        let now = self.time();
        for peer in &mut self.peers {
            peer.has_beaten = false;
            peer.member.home.tick();
            // A lease that is in use is asked for again.
            if !peer.is_suspended() && !peer.member.leases_to_renew(now).is_empty() {
                peer.member.home.wish.wants_probe = true;
            }
        }
    }

    /// What the engine does with a request.
    fn serve(&mut self, request: &Request) -> Answer {
        let before = (!self.is_epilogue).then(|| self.ledger.clone());
        let now = self.millis();
        let answer = match request {
            Request::Beat(at) => {
                let (life, version) = self.peers[*at].member.seen();
                let beat = Beat { member: NAMES[*at], alive_for: GONE, life, version };
                let report = self.ledger.beat(beat, now);
                Answer::Report(report, self.ledger.record(CIRCUIT, NAMES[*at], now))
            }
            Request::Tell(word) => {
                self.ledger.tell(word, now);
                Answer::Told
            }
            Request::Lease(at) => {
                let (member, lasts) = (NAMES[*at], time_of(PROBE_TIMEOUT));
                Answer::Leased(self.ledger.lease(Ask { member, circuit: CIRCUIT, lasts }, now))
            }
        };
        if let Some(before) = before {
            self.judge_engine(&before, request, &answer);
        }
        answer
    }

    /// Sends a request of a member. `None` if it gets no answer now.
    fn send(&mut self, at: usize, request: Request, fate: Fate) -> Option<Answer> {
        self.left.faults -= u8::from(fate != Fate::Arrives);
        if let Fate::IsLost = fate {
            self.disconnect(at);
            return None;
        }
        if let Fate::ComesLate = fate {
            self.strays.push(request);
            self.disconnect(at);
            return None;
        }
        let answer = self.serve(&request);
        match fate {
            Fate::AnswerIsLost => {
                self.disconnect(at);
                return None;
            }
            Fate::Suspends => {
                self.peers[at].answer = Some((self.now, answer));
                return None;
            }
            Fate::ComesTwice => self.strays.push(request),
            Fate::Arrives | Fate::IsLost | Fate::ComesLate => {}
        }
        Some(answer)
    }

    fn disconnect(&mut self, at: usize) {
        self.peers[at].is_connected = false;
        self.peers[at].member.lose_connection();
        self.judge_alone(at);
    }

    fn tell(&mut self, at: usize, word: Word, fate: Fate) {
        self.judge_word(at, &word);
        self.send(at, Request::Tell(word), fate);
    }

    /// Sends what happened. What could not be sent is kept.
    pub(super) fn say(&mut self, at: usize, fate: Fate) {
        let Some(happened) = self.circuit(at).wish.happened.take() else { return };
        if let Some(word) = self.peers[at].member.say(CIRCUIT, happened) {
            self.tell(at, word, fate);
            if !self.peers[at].is_connected {
                self.circuit(at).wish.happened = Some(happened);
            }
        }
    }

    pub(super) fn ask(&mut self, at: usize, fate: Fate) {
        self.circuit(at).wish.wants_probe = false;
        if let Some(answer) = self.send(at, Request::Lease(at), fate) {
            self.take(at, self.now, answer, Fate::Arrives);
        }
    }

    pub(super) fn beat(&mut self, at: usize, fate: Fate) {
        let (of_report, of_words) = match fate {
            Fate::ComesTwice | Fate::ComesLate => (Fate::Arrives, fate),
            _ => (fate, Fate::Arrives),
        };
        if let Some(answer) = self.send(at, Request::Beat(at), of_report) {
            self.take(at, self.now, answer, of_words);
        }
    }

    pub(super) fn resume(&mut self, at: usize) {
        if let Some((asked, answer)) = self.peers[at].answer.take() {
            self.take(at, asked, answer, Fate::Arrives);
        }
    }

    /// What a member does with an answer.
    fn take(&mut self, at: usize, asked: u64, answer: Answer, of_words: Fate) {
        let (then, now) = (time_of(asked), self.time());
        let was = *self.circuit(at);
        let peer = &mut self.peers[at];
        match answer {
            Answer::Told => {}
            Answer::Leased(leased) => {
                peer.member.take_lease(CIRCUIT, time_of(PROBE_TIMEOUT), leased, then, now);
                self.judge_lease(at, asked);
            }
            Answer::Report(report, told) => {
                let news = peer.member.learn(report, then);
                peer.member.advise_all(now);
                (peer.is_connected, peer.has_beaten) = (true, true);
                let words = peer.member.amend(&news);
                self.judge_member(at, was, told.as_ref(), asked);
                for word in words {
                    self.tell(at, word, of_words);
                }
            }
        }
    }
}
