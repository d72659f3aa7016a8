//! One member: what it tells the engine, and what it makes of the answers. It has no clock and no connection: time and
//! answers are passed in, so tests move both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::{Advice, Advised, Lease, Mode, Opening, Override, Registry, Snapshot, State};

use crate::engine::{Leased, Posted, Record, Report, Stand, What, Word};
use crate::inbox::{Happened, is_evidence};
use crate::policy::{Policies, Rule};

/// Members say that they live this often.
pub(crate) const BEAT: Duration = Duration::from_secs(5);
/// A member that missed three beats is gone. Its circuits trust advice for as long, and then act as if alone.
pub(crate) const GONE: Duration = Duration::from_secs(15);
/// A circuit without a cooldown that ends votes for this long.
const LONGEST_VOTE: Duration = Duration::from_secs(24 * 3600);
/// What the engine did not change for so long is over.
const FORGOTTEN: Duration = Duration::from_secs(25 * 3600);
/// The most records and orders that are believed to exist. More is nonsense.
pub(crate) const MOST_RECORDS: usize = 2_000;

/// The registry of a member.
#[derive(Clone, Debug)]
pub(crate) enum Home {
    Default,
    Own(Arc<Registry>),
}

impl Home {
    pub(crate) fn registry(&self) -> &Registry {
        match self {
            Self::Default => breaker_runtime::registry(),
            Self::Own(registry) => registry,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Member {
    id: String,
    policies: Policies,
    home: Home,
    life: u64,
    version: u64,
    members: u32,
    known: BTreeMap<String, Known>,
    orders: BTreeMap<String, Ordered>,
}

/// What the member knows about a circuit.
#[derive(Debug)]
struct Known {
    record: Record,
    at: Duration,
    /// The round that its circuit has followed, and since when.
    followed: Option<u64>,
    followed_at: Duration,
    /// Since when others have probed without a break.
    held_since: Option<Duration>,
    /// It vetoed that round.
    has_vetoed: bool,
    /// Its circuit goes by advice that must be taken back.
    is_advised: bool,
    lease: Option<OwnLease>,
}

/// Why a circuit waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// The longest vote is not over.
    Votes,
    /// Another member probes.
    Probes,
}

/// A lease that this member has.
#[derive(Clone, Copy, Debug)]
struct OwnLease {
    until: Duration,
    renew_at: Duration,
    /// The calls that had started when it was granted. More means that it is used.
    started: u64,
}

/// An override for all members.
#[derive(Debug)]
struct Ordered {
    posted: Posted,
    until: Duration,
    is_applied: bool,
}

impl Known {
    /// What the record says at `now`.
    fn now(&self, now: Duration) -> Record {
        let ago = now.saturating_sub(self.at);
        let mut record = self.record.clone();
        record.left = record.left.saturating_sub(ago);
        record.prober = record.prober.and_then(|(holder, left)| {
            let left = left.saturating_sub(ago);
            (!left.is_zero()).then_some((holder, left))
        });
        record
    }
}

impl Member {
    pub(crate) fn new(id: String, policies: Policies, home: Home) -> Self {
        Self {
            id,
            policies,
            home,
            life: 0,
            version: 0,
            members: 0,
            known: BTreeMap::new(),
            orders: BTreeMap::new(),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The life and the version of the engine that it knows.
    pub(crate) fn seen(&self) -> (u64, u64) {
        (self.life, self.version)
    }

    pub(crate) fn members(&self) -> u32 {
        self.members
    }

    /// What the records say now.
    pub(crate) fn records(&self, now: Duration) -> impl Iterator<Item = Record> {
        self.known.values().map(move |known| known.now(now))
    }

    fn registry(&self) -> &Registry {
        self.home.registry()
    }

    /// What the engine must hear of what happened, by what the circuit shows now.
    pub(crate) fn say(&self, circuit: &str, happened: Happened) -> Option<Word> {
        let rule = self.policies.rule(circuit)?;
        let what = match happened {
            Happened::Opened => vote(&self.registry().snapshot_of(circuit)?, rule)?,
            Happened::Recovered => What::Recovered,
            Happened::Ended => What::Withdraw,
        };
        Some(self.word(circuit, what))
    }

    pub(crate) fn word(&self, circuit: &str, what: What) -> Word {
        Word { member: self.id.clone(), circuit: circuit.to_owned(), what }
    }

    /// Takes a report that was asked for at `asked`. Returns what the engine should be told again.
    pub(crate) fn learn(&mut self, report: Report, asked: Duration) -> Vec<Word> {
        let is_new_life = report.life != self.life;
        if is_new_life || report.is_whole {
            self.forget_all_but(&report, is_new_life);
        }
        (self.life, self.version) = (report.life, report.version);
        self.members = report.members;
        // What the engine has forgotten by now. What a circuit still goes by stays.
        self.known.retain(|_, known| known.is_advised || asked < known.at + FORGOTTEN);
        for record in report.records.into_iter().take(MOST_RECORDS) {
            if self.known.len() >= MOST_RECORDS && !self.known.contains_key(&record.circuit) {
                continue;
            }
            let known = self.known.entry(record.circuit.clone()).or_insert_with(|| Known {
                record: record.clone(),
                at: asked,
                followed: None,
                followed_at: asked,
                held_since: None,
                has_vetoed: false,
                is_advised: false,
                lease: None,
            });
            (known.record, known.at) = (record, asked);
        }
        for posted in report.orders.into_iter().take(MOST_RECORDS) {
            let known = self.orders.get(&posted.circuit);
            let has_room = known.is_some() || self.orders.len() < MOST_RECORDS;
            if has_room && known.is_none_or(|known| known.posted.number < posted.number) {
                let until = asked + posted.left;
                let ordered = Ordered { until, is_applied: false, posted };
                self.orders.insert(ordered.posted.circuit.clone(), ordered);
            }
        }
        if is_new_life || report.is_whole { self.all_votes() } else { Vec::new() }
    }

    fn forget_all_but(&mut self, report: &Report, is_new_life: bool) {
        let reported: BTreeSet<_> = report.records.iter().map(|it| it.circuit.as_str()).collect();
        let is_gone = |name: &&String| !reported.contains(name.as_str());
        let gone: Vec<_> = self.known.keys().filter(is_gone).cloned().collect();
        for name in gone {
            if let Some(known) = self.known.remove(&name).filter(|known| known.is_advised) {
                self.advise(&known.record.circuit, Advice::Alone);
            }
        }
        if is_new_life {
            // Numbers of rounds and orders begin again.
            self.known.values_mut().for_each(|known| known.followed = None);
            self.orders.clear();
        }
    }

    /// What each circuit has to say, for an engine that may have lost it.
    fn all_votes(&self) -> Vec<Word> {
        let registry = self.registry();
        let names = registry.names().into_iter();
        let vote = |name: String| {
            let rule = self.policies.rule(&name)?;
            // Most are closed, which costs one load.
            let is_open = registry.get(&name)?.state() == State::Open;
            let what = is_open.then(|| vote(&registry.snapshot_of(&name)?, rule)).flatten()?;
            Some(self.word(&name, what))
        };
        let known = self.known.values().filter(|known| known.record.has_voted);
        let has_vote = |words: &[Word], name: &str| words.iter().any(|word| word.circuit == name);
        let mut words: Vec<_> = names.filter_map(vote).collect();
        for Known { record, .. } in known {
            if !has_vote(&words, &record.circuit) {
                words.push(self.word(&record.circuit, What::Withdraw));
            }
        }
        words
    }

    /// Has the circuits go by what is known. Called after each report, so that they keep their trust.
    pub(crate) fn advise_all(&mut self, now: Duration) {
        let names: Vec<_> = self.known.keys().cloned().collect();
        for name in names {
            self.advise_one(&name, now);
        }
        self.apply_orders(now);
    }

    fn advise_one(&mut self, name: &str, now: Duration) {
        let (Some(rule), Some(known)) = (self.policies.rule(name), self.known.get(name)) else {
            return;
        };
        let record = known.now(now);
        // The engine has counted; whether that is enough is for this member to say.
        let is_met = record.votes >= rule.needed(record.members);
        let is_new = known.followed != Some(record.round);
        let advice = match record.stand {
            Stand::Open if is_met => match &record.prober {
                _ if is_new || known.has_vetoed => return self.open(name, &record, now),
                Some((holder, left)) if *holder == self.id => Advice::Probe(*left),
                Some((_, left)) => self.wait(name, *left, Hold::Probes, now),
                None => Advice::Ask,
            },
            Stand::Recovered if is_new && known.followed.is_some() => Advice::Close,
            Stand::Withdrawn if is_new && known.followed.is_some() => {
                let snapshot = self.registry().snapshot_of(name);
                let reason = snapshot.and_then(|snapshot| snapshot.trip_reason);
                let is_own = reason.is_some_and(|reason| is_evidence(reason.kind));
                if is_own { Advice::Alone } else { Advice::Close }
            }
            _ if known.is_advised => Advice::Alone,
            _ => return,
        };
        let ends = matches!(advice, Advice::Close | Advice::Alone);
        self.advise(name, advice);
        if let Some(known) = self.known.get_mut(name) {
            known.is_advised = !ends;
            known.has_vetoed &= !ends;
            if !matches!(advice, Advice::Wait(_)) && record.prober.is_none() {
                known.held_since = None;
            }
            // A round that the member waits for no more is not followed a second time.
            if ends && record.stand != Stand::Open {
                (known.followed, known.lease) = (None, None);
            }
        }
    }

    /// Opens a circuit because the fleet did. One that is closed by then was closed by someone here, and stays so.
    fn open(&mut self, name: &str, record: &Record, now: Duration) {
        let probing = record.prober.as_ref().map_or(Duration::ZERO, |(_, left)| *left);
        let opening = Opening::new(record.left.max(probing))
            .votes(record.votes)
            .of_members(record.members)
            .needed(record.needed)
            .reopenings(record.reopenings);
        let Some(advised) = self.advise(name, Advice::Open(opening)) else { return };
        let Some(known) = self.known.get_mut(name) else { return };
        (known.followed, known.is_advised) = (Some(record.round), true);
        (known.followed_at, known.held_since) = (now, None);
        known.has_vetoed = advised == Advised::Vetoed;
        if !known.has_vetoed && record.prober.is_some() {
            self.advise_one(name, now);
        }
    }

    /// `None` if there is no such circuit here.
    fn advise(&self, name: &str, advice: Advice) -> Option<Advised> {
        Some(self.registry().get(name)?.advise(advice, GONE))
    }

    /// How long a lease must last so that a circuit can probe. `None` if it need not ask.
    pub(crate) fn lease_for(&self, circuit: &str) -> Option<Duration> {
        self.policies.rule(circuit)?;
        Some(self.registry().snapshot_of(circuit)?.config.settings().probe_timeout)
    }

    /// Takes the answer to a request for a lease that was asked for at `asked`.
    pub(crate) fn take_lease(
        &mut self,
        circuit: &str,
        lasts: Duration,
        leased: Leased,
        asked: Duration,
        now: Duration,
    ) {
        let waited = now.saturating_sub(asked);
        let advice = match &leased {
            Leased::Granted => Advice::Probe(lasts.saturating_sub(waited)),
            Leased::Held(_, left) => {
                self.wait(circuit, left.saturating_sub(waited), Hold::Probes, now)
            }
            Leased::NotDue(left) => {
                self.wait(circuit, left.saturating_sub(waited), Hold::Votes, now)
            }
            Leased::Unneeded => Advice::Alone,
        };
        self.advise(circuit, advice);
        let started = self.registry().snapshot_of(circuit).map_or(0, |it| it.calls.started);
        let Some(known) = self.known.get_mut(circuit) else { return };
        known.is_advised = advice != Advice::Alone;
        let is_granted = leased == Leased::Granted;
        known.lease = is_granted.then(|| OwnLease {
            until: asked + lasts,
            renew_at: asked + lasts / 2,
            started,
        });
        known.record.prober = match leased {
            Leased::Granted => Some((self.id.clone(), lasts)),
            Leased::Held(holder, left) => Some((holder, left)),
            Leased::NotDue(_) | Leased::Unneeded => return,
        };
        known.record.left = Duration::ZERO;
        known.at = asked;
    }

    /// Has a circuit wait for others, but never for longer than its own settings could. After that it acts as if alone.
    fn wait(&mut self, name: &str, left: Duration, hold: Hold, now: Duration) -> Advice {
        let snapshot = self.registry().snapshot_of(name);
        let (Some(snapshot), Some(known)) = (snapshot, self.known.get_mut(name)) else {
            return Advice::Wait(left);
        };
        let settings = snapshot.config.settings();
        let ends = match hold {
            Hold::Votes if known.followed.is_none() => return Advice::Wait(left),
            Hold::Votes => known.followed_at.saturating_add(settings.cooldown_max),
            Hold::Probes => {
                let most = settings.cooldown_max.max(settings.probe_timeout);
                known.held_since.get_or_insert(now).saturating_add(most)
            }
        };
        let rest = ends.saturating_sub(now);
        if rest.is_zero() { Advice::Alone } else { Advice::Wait(left.min(rest)) }
    }

    /// The circuits whose lease is half over and in use. Those that are not used run out, so that another can probe.
    pub(crate) fn leases_to_renew(&mut self, now: Duration) -> Vec<String> {
        let mut renew = Vec::new();
        let home = self.home.clone();
        for (name, known) in &mut self.known {
            let Some(lease) = &mut known.lease else { continue };
            if now >= lease.until {
                known.lease = None;
            } else if now >= lease.renew_at {
                // Not looked at again before it ends.
                lease.renew_at = lease.until;
                let snapshot = home.registry().snapshot_of(name);
                let is_used = snapshot.is_some_and(|it| {
                    let is_busy = it.probes.in_flight > 0 || it.calls.started > lease.started;
                    it.state == State::HalfOpen
                        && matches!(it.lease, Some(Lease::Own(_)))
                        && is_busy
                });
                if is_used {
                    renew.push(name.clone());
                }
            }
        }
        renew
    }

    /// When a lease has to be looked at.
    pub(crate) fn next_renewal(&self) -> Option<Duration> {
        self.known.values().filter_map(|known| known.lease).map(|lease| lease.renew_at).min()
    }

    /// Gives orders for all members to the circuits that have not had them. Later ones of circuits that come into being
    /// are given then.
    fn apply_orders(&mut self, now: Duration) {
        self.orders.retain(|_, ordered| now < ordered.until);
        for (name, ordered) in &mut self.orders {
            let Some(circuit) = self.home.registry().get(name).filter(|_| !ordered.is_applied)
            else {
                continue;
            };
            ordered.is_applied = true;
            if let Some(what) = read_order(&ordered.posted.what) {
                let left = Some(ordered.until.saturating_sub(now));
                // One that is wrong here was right for the member that gave it. It was checked there.
                let _ = circuit.override_for(what, left, &ordered.posted.by);
            }
        }
    }

    /// The engine does not answer: every circuit acts as if alone.
    pub(crate) fn lose_connection(&mut self) {
        let names: Vec<_> = self
            .known
            .iter()
            .filter(|(_, it)| it.is_advised)
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.advise(&name, Advice::Alone);
            if let Some(known) = self.known.get_mut(&name) {
                (known.is_advised, known.lease, known.has_vetoed) = (false, None, false);
            }
        }
        // Everything is asked for again, as messages may be lost.
        self.version = u64::MAX;
    }
}

/// The vote of a circuit that is open on its own evidence.
fn vote(snapshot: &Snapshot, rule: Rule) -> Option<What> {
    let is_own = snapshot.trip_reason.is_some_and(|reason| is_evidence(reason.kind));
    if snapshot.state != State::Open || !is_own {
        return None;
    }
    let lasts = snapshot.retry_after.unwrap_or(LONGEST_VOTE).min(LONGEST_VOTE);
    let settings = fingerprint(&format!("{:?}", snapshot.config.settings()));
    (!lasts.is_zero()).then_some(What::Vote {
        lasts,
        reopenings: snapshot.reopenings,
        settings,
        rule,
    })
}

/// A number that is the same in every process, unlike those of the standard library's hashers (FNV-1a, 64 bits).
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Reads an order as it was written: `mode=forced_open`, `cooldown=5s`.
pub(crate) fn read_order(text: &str) -> Option<Override<'_>> {
    let (option, value) = text.split_once('=')?;
    if option != "mode" {
        return Some(Override::Option(option, value));
    }
    let modes = [Mode::Normal, Mode::Observe, Mode::Disabled, Mode::ForcedOpen];
    modes.into_iter().find(|mode| mode.as_str() == value).map(Override::Mode)
}
