//! One member: what it tells the engine, and what it makes of the answers. It has no clock and no connection: time and
//! answers are passed in, so tests move both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use breaker_runtime::{Advice, Advised, Lease, Mode, Opening, Override, State, TripKind};

use crate::engine::{Leased, Posted, Record, Report, Stand, What, Word};
use crate::home::{Circuits, Home, Reading};
use crate::inbox::Happened;
use crate::ledger::option_of;
use crate::policy::{Policies, Rule};

/// Members say that they live this often.
pub(crate) const BEAT: Duration = Duration::from_secs(5);
/// A member that missed three beats is gone. Its circuits trust advice for as long, and then act as if alone.
pub(crate) const GONE: Duration = Duration::from_secs(15);
/// No vote, lease or order lasts longer, even if settings or engines say so.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Engines forget a circuit ten minutes after all about it is over, and do not say so.
const FORGOTTEN: Duration = Duration::from_secs(11 * 60);
/// The most records and orders in one report. More is nonsense. Also the most records that are kept of circuits that
/// are not here: they may come into being.
pub(crate) const MOST_RECORDS: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Member<C = Home> {
    id: String,
    policies: Policies,
    pub(crate) home: C,
    life: u64,
    version: u64,
    members: u32,
    known: BTreeMap<String, Known>,
    /// The latest about each option of a circuit.
    orders: BTreeMap<(String, String), Ordered>,
}

/// What the member knows about a circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Known {
    record: Record,
    at: Duration,
    /// The round that its circuit has followed. One that it vetoes is put to it again.
    followed: Option<u64>,
    followed_at: Duration,
    /// Its circuit goes by advice that must be taken back.
    is_advised: bool,
    lease: Option<OwnLease>,
}

/// A lease that this member has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OwnLease {
    until: Duration,
    renew_at: Duration,
    /// The calls that had started when it was granted. More means that it is used.
    started: u64,
}

/// An override for all members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

    /// Whether the engine has forgotten it by now. It tells when votes end that opened nothing.
    fn is_over(&self, now: Duration) -> bool {
        let Record { stand, votes, left, prober, .. } = &self.record;
        let lease = prober.as_ref().map_or(Duration::ZERO, |(_, left)| *left);
        let has_votes = *stand != Stand::Open && *votes > 0;
        let ends = if has_votes { LONGEST } else { lease.max(*left).min(LONGEST) };
        now > self.at.saturating_add(ends + FORGOTTEN)
    }
}

impl<C: Circuits> Member<C> {
    pub(crate) fn new(id: String, policies: Policies, home: C) -> Self {
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

    /// Whether there is such a circuit here.
    pub(crate) fn has(&self, circuit: &str) -> bool {
        self.home.state(circuit).is_some()
    }

    /// The circuits that it probes for all.
    pub(crate) fn leases(&self, now: Duration) -> Vec<String> {
        let has_lease = |known: &Known| known.lease.is_some_and(|lease| now < lease.until);
        let own = self.known.iter().filter(|(_, known)| has_lease(known));
        own.map(|(name, _)| name.clone()).collect()
    }

    /// Has records say what they say now, so that it does not matter when they came.
    #[cfg(test)]
    pub(crate) fn refresh(&mut self, now: Duration) {
        for known in self.known.values_mut() {
            (known.record, known.at) = (known.now(now), now);
            if known.followed.is_none() {
                known.followed_at = now;
            }
        }
    }

    /// See [`Ledger::renumber`](crate::Ledger::renumber).
    #[cfg(test)]
    pub(crate) fn renumber(&mut self, mut renumber: impl FnMut(&mut u64)) {
        renumber(&mut self.version);
        for known in self.known.values_mut() {
            renumber(&mut known.record.round);
            known.followed.iter_mut().for_each(&mut renumber);
        }
    }

    /// Gives members other names.
    #[cfg(test)]
    pub(crate) fn rename(&mut self, name: impl Fn(&str) -> String) {
        self.id = name(&self.id);
        let probers = self.known.values_mut().filter_map(|known| known.record.prober.as_mut());
        probers.for_each(|(holder, _)| *holder = name(holder));
    }

    #[cfg(test)]
    pub(crate) fn follows(&self, circuit: &str, round: u64) -> bool {
        self.known.get(circuit).is_some_and(|known| known.followed == Some(round))
    }

    /// The rule of a circuit that is shared.
    fn rule(&self, circuit: &str) -> Option<Rule> {
        self.rule_of(circuit, &self.home.read(circuit)?)
    }

    fn rule_of(&self, circuit: &str, reading: &Reading) -> Option<Rule> {
        self.policies.rule(circuit, reading.policy).map(|(_, rule)| rule)
    }

    /// What the engine must hear of what happened, by what the circuit shows now.
    pub(crate) fn say(&self, circuit: &str, happened: Happened) -> Option<Word> {
        let shared = self.home.read(circuit);
        let shared = shared.and_then(|it| self.rule_of(circuit, &it).map(|rule| (it, rule)));
        let what = match (happened, &shared) {
            (Happened::Shared, None) => What::Withdraw,
            (_, None) => return None,
            (Happened::Opened | Happened::Shared, Some((reading, rule))) => {
                self.vote(circuit, reading, *rule)?
            }
            (Happened::Recovered, _) => What::Recovered,
            (Happened::Ended, _) => What::Withdraw,
        };
        Some(self.word(circuit, what))
    }

    /// The vote of a circuit that is open on its own evidence.
    fn vote(&self, circuit: &str, reading: &Reading, rule: Rule) -> Option<What> {
        let lasts = reading.evidence?.min(LONGEST);
        let settings = self.home.fingerprint(circuit);
        let reopenings = reading.reopenings;
        (!lasts.is_zero()).then_some(What::Vote { lasts, reopenings, settings, rule })
    }

    pub(crate) fn word(&self, circuit: &str, what: What) -> Word {
        Word { member: self.id.clone(), circuit: circuit.to_owned(), what }
    }

    /// Takes a report that was asked for at `asked`. Returns the circuits that it is about.
    pub(crate) fn learn(&mut self, report: Report, asked: Duration) -> BTreeSet<String> {
        let is_new_life = report.life != self.life;
        if is_new_life || report.is_whole {
            self.forget_all_but(&report, is_new_life);
        }
        (self.life, self.version) = (report.life, report.version);
        self.members = report.members;
        let mut news: BTreeSet<_> = report.records.iter().map(|it| it.circuit.clone()).collect();
        if is_new_life || report.is_whole {
            news.extend(self.home.names());
        }
        // What a circuit still goes by stays.
        self.known.retain(|_, known| known.is_advised || !known.is_over(asked));
        for record in report.records.into_iter().take(MOST_RECORDS) {
            let known = self.known.entry(record.circuit.clone()).or_insert_with(|| Known {
                record: record.clone(),
                at: asked,
                followed: None,
                followed_at: asked,
                is_advised: false,
                lease: None,
            });
            (known.record, known.at) = (record, asked);
        }
        self.forget_others();
        for posted in report.orders.into_iter().take(MOST_RECORDS) {
            let about = (posted.circuit.clone(), option_of(&posted.what).to_owned());
            let known = self.orders.get(&about);
            let has_room = known.is_some() || self.orders.len() < MOST_RECORDS;
            if has_room && known.is_none_or(|known| known.posted.number < posted.number) {
                let until = asked + posted.left.min(LONGEST);
                self.orders.insert(about, Ordered { until, is_applied: false, posted });
            }
        }
        news
    }

    /// Circuits of others must leave room for circuits of this process. The oldest records go.
    fn forget_others(&mut self) {
        if self.known.len() <= MOST_RECORDS {
            return;
        }
        let others = self.known.iter().filter(|(name, _)| self.home.state(name).is_none());
        let mut others: Vec<_> = others.map(|(name, known)| (known.at, name.clone())).collect();
        others.sort();
        let surplus = others.len().saturating_sub(MOST_RECORDS);
        for (_, name) in &others[..surplus] {
            self.known.remove(name);
        }
    }

    fn forget_all_but(&mut self, report: &Report, is_new_life: bool) {
        let reported: BTreeSet<_> = report.records.iter().map(|it| it.circuit.as_str()).collect();
        let is_gone = |name: &&String| !reported.contains(name.as_str());
        let gone: Vec<_> = self.known.keys().filter(is_gone).cloned().collect();
        for name in gone {
            if let Some(known) = self.known.remove(&name).filter(|known| known.is_advised) {
                self.home.advise(&known.record.circuit, Advice::Alone);
            }
        }
        if is_new_life {
            // Numbers of rounds begin again.
            self.known.values_mut().for_each(|known| known.followed = None);
        }
        // An engine that lost the last of what it knew gives its numbers to others.
        let posted: BTreeSet<_> = report.orders.iter().map(identity).collect();
        self.orders.retain(|_, it| !is_new_life && posted.contains(&identity(&it.posted)));
    }

    /// What to send to the engine again. Messages are lost, late or doubled, and an engine can lose its memory. Called
    /// after the circuits were advised, so that no vote outlives the verdict of another member.
    pub(crate) fn amend(&self, news: &BTreeSet<String>) -> Vec<Word> {
        news.iter().filter_map(|name| Some(self.word(name, self.amendment(name)?))).collect()
    }

    fn amendment(&self, name: &str) -> Option<What> {
        let reading = self.home.read(name)?;
        let rule = self.rule_of(name, &reading)?;
        let record = self.known.get(name).map(|known| &known.record);
        let has_voted = record.is_some_and(|record| record.has_voted);
        let has_lease = record
            .and_then(|record| record.prober.as_ref())
            .is_some_and(|(holder, _)| *holder == self.id);
        match reading.state {
            State::Open if has_voted => reading.evidence.is_none().then_some(What::Withdraw),
            State::Open => self.vote(name, &reading, rule).filter(|vote| match vote {
                // Another would say that a vote is lost when the clocks only disagree about its end.
                What::Vote { lasts, .. } => *lasts > BEAT,
                _ => true,
            }),
            // Its own probes decide.
            State::HalfOpen => None,
            // Its verdict is on its way, and would come without a lease after this.
            _ if has_lease => None,
            _ => has_voted.then_some(What::Withdraw),
        }
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
        let Some(known) = self.known.get(name) else { return };
        let record = known.now(now);
        // The engine has counted; whether that is enough is for this member to say.
        let is_enough = |rule: Rule| record.votes >= rule.needed(record.members);
        let is_new = known.followed != Some(record.round);
        let is_in_force = !record.left.is_zero() || record.prober.is_some();
        let advice = match record.stand {
            Stand::Open if self.rule(name).is_some_and(is_enough) => match &record.prober {
                // Its own verdict is worth more than the votes before it.
                Some((holder, left)) if *holder == self.id => Advice::Probe(*left),
                _ if is_in_force && is_new => return self.open(name, &record, now),
                Some((_, left)) => Advice::Wait(*left),
                None if !record.left.is_zero() && self.has_waited(name, now) => {
                    return self.stand_alone(name);
                }
                None => Advice::Ask,
            },
            Stand::Recovered | Stand::Withdrawn
                if self.is_held(name, known) && self.rule(name).is_some() =>
            {
                let is_own = || self.home.read(name).is_some_and(|it| it.evidence.is_some());
                let stays = record.stand == Stand::Withdrawn && is_own();
                if stays { Advice::Alone } else { Advice::Close }
            }
            _ if known.is_advised => Advice::Alone,
            _ => {
                self.known.entry(name.to_owned()).and_modify(|known| known.followed = None);
                return;
            }
        };
        let ends = matches!(advice, Advice::Close | Advice::Alone);
        let advised = self.home.advise(name, advice);
        if let Some(known) = self.known.get_mut(name) {
            known.is_advised = !ends;
            if ends {
                (known.followed, known.lease) = (None, None);
            } else if is_new && advised == Some(Advised::Followed) {
                (known.followed, known.followed_at) = (Some(record.round), now);
            }
        }
    }

    /// Whether the fleet holds a circuit open, or did so when the engine was last heard.
    fn is_held(&self, name: &str, known: &Known) -> bool {
        let was_voted_open = || {
            let is_open = matches!(self.home.state(name), Some(State::Open | State::HalfOpen));
            let tripped = is_open.then(|| self.home.read(name)).flatten().and_then(|it| it.tripped);
            tripped == Some(TripKind::Fleet)
        };
        known.is_advised || was_voted_open()
    }

    /// Opens a circuit because the fleet did. One that is closed by then was closed by someone here, and stays so.
    fn open(&mut self, name: &str, record: &Record, now: Duration) {
        let probing = record.prober.as_ref().map_or(Duration::ZERO, |(_, left)| *left);
        let opening = Opening::new(record.left.max(probing))
            .votes(record.votes)
            .of_members(record.members)
            .needed(record.needed)
            .reopenings(record.reopenings);
        let Some(advised) = self.home.advise(name, Advice::Open(opening)) else { return };
        let Some(known) = self.known.get_mut(name) else { return };
        known.is_advised = true;
        if advised != Advised::Vetoed {
            (known.followed, known.followed_at) = (Some(record.round), now);
            self.advise_one(name, now);
        }
    }

    /// How long a lease must last so that a circuit can probe. `None` if it need not ask.
    pub(crate) fn lease_for(&self, circuit: &str) -> Option<Duration> {
        let reading = self.home.read(circuit)?;
        self.rule_of(circuit, &reading)?;
        Some(reading.probe_timeout.min(LONGEST))
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
        if let (Leased::Unneeded, Some(known)) = (&leased, self.known.get_mut(circuit)) {
            // Most often another member has probed meanwhile, and the next report has its verdict. If it has none, the
            // engine has forgotten the circuit.
            known.lease = None;
            if known.record.stand == Stand::Open {
                (known.record.stand, known.record.votes) = (Stand::Counting, 0);
            }
            return;
        }
        let waited = now.saturating_sub(asked);
        let advice = match &leased {
            Leased::Granted => Advice::Probe(lasts.saturating_sub(waited)),
            Leased::NotDue(_) if self.has_waited(circuit, now) => Advice::Alone,
            Leased::Held(_, left) | Leased::NotDue(left) => {
                Advice::Wait(left.saturating_sub(waited))
            }
            Leased::Unneeded => Advice::Alone,
        };
        self.home.advise(circuit, advice);
        let started = self.home.read(circuit).map_or(0, |reading| reading.started);
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

    /// The circuit acts as if alone, until more than the votes that it has followed is known.
    fn stand_alone(&mut self, name: &str) {
        if self.known.get(name).is_some_and(|known| known.is_advised) {
            self.home.advise(name, Advice::Alone);
        }
        if let Some(known) = self.known.get_mut(name) {
            (known.is_advised, known.lease) = (false, None);
        }
    }

    /// Whether a circuit was open on the votes of others for as long as its own settings allow (F4).
    fn has_waited(&self, circuit: &str, now: Duration) -> bool {
        let known = self.known.get(circuit).filter(|known| known.followed.is_some());
        let reading = known.and_then(|known| Some((known, self.home.read(circuit)?)));
        reading.is_some_and(|(known, reading)| {
            now >= known.followed_at.saturating_add(reading.cooldown_max)
        })
    }

    /// The circuits whose lease is half over and in use. Unused leases expire, so that another member can probe.
    pub(crate) fn leases_to_renew(&mut self, now: Duration) -> Vec<String> {
        let mut renew = Vec::new();
        for (name, known) in &mut self.known {
            let Some(lease) = &mut known.lease else { continue };
            if now >= lease.until {
                known.lease = None;
            } else if now >= lease.renew_at {
                // Not looked at again before it ends.
                lease.renew_at = lease.until;
                let is_used = self.home.read(name).is_some_and(|it| {
                    let is_busy = it.probes_in_flight > 0 || it.started > lease.started;
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
        for ((name, _), ordered) in &mut self.orders {
            if !ordered.is_applied {
                let Posted { what, by, .. } = &ordered.posted;
                let left = ordered.until.saturating_sub(now);
                ordered.is_applied = self.home.order(name, read_order(what), left, by);
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
            self.stand_alone(&name);
        }
        // Everything is asked for again, as messages may be lost.
        self.version = u64::MAX;
    }
}

/// What tells an order from all others.
fn identity(order: &Posted) -> (u64, &str, &str) {
    (order.number, &order.circuit, &order.what)
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

#[cfg(test)]
mod tests;
