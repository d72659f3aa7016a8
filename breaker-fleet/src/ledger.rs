//! The ledger: what every engine does, as plain code without a clock. [`Memory`](crate::Memory) is one behind a lock,
//! and the script of [`Redis`](crate::Redis) does the same.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::{Ask, Beat, Leased, Posted, Record, Report, Stand, What, Word};
use crate::policy::Rule;

/// How long an account is kept after everything in it has expired, in milliseconds: for members that were away.
const KEPT: u64 = 600_000;
/// The longest that anything lasts, in milliseconds: a day.
const LONGEST: u64 = 86_400_000;
/// Different settings are counted up to this number.
const MOST_SETTINGS: usize = 16;

/// The truth of a fleet. Times are milliseconds on the engine's clock.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Beat, Ledger, Rule, Stand, What, Word};
///
/// let mut ledger = Ledger::new(1);
/// let alive_for = Duration::from_secs(15);
/// for member in ["a", "b", "c"] {
///     ledger.beat(Beat { member, alive_for, life: 0, version: 0 }, 0);
/// }
/// for member in ["a", "b"] {
///     let lasts = Duration::from_secs(60);
///     let what = What::Vote { lasts, reopenings: 0, settings: 1, rule: Rule::QUORUM };
///     ledger.tell(&Word { member: member.into(), circuit: "payments".into(), what }, 0);
/// }
/// let report = ledger.beat(Beat { member: "c", alive_for, life: 0, version: 0 }, 0);
/// assert_eq!((report.records[0].stand, report.records[0].votes), (Stand::Open, 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    life: u64,
    version: u64,
    /// When each member is gone.
    members: BTreeMap<String, u64>,
    accounts: BTreeMap<String, Account>,
    /// The latest about each option of a circuit.
    orders: BTreeMap<(String, String), Standing>,
}

/// What is known about one circuit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Account {
    /// The version of the last change.
    changed: u64,
    round: u64,
    stand: Stand,
    /// The end of the longest vote that opened it.
    open_until: u64,
    /// The votes that opened it.
    opened_by: u32,
    needed: u32,
    /// The live members when votes were last counted.
    counted_among: u32,
    reopenings: u32,
    rule: Option<Rule>,
    /// When each vote ends.
    votes: BTreeMap<String, u64>,
    /// When the last vote with those settings ends.
    settings: BTreeMap<u64, u64>,
    lease: Option<(String, u64)>,
    /// When it is forgotten.
    kept_until: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Standing {
    number: u64,
    what: String,
    by: String,
    until: u64,
}

/// When the vote and the lease of a member end, and when it is gone.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ends {
    pub(crate) vote: Option<u64>,
    pub(crate) lease: Option<u64>,
    pub(crate) gone: Option<u64>,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(LONGEST)
}

/// The option that an order is about: what is before the `=`.
pub(crate) fn option_of(what: &str) -> &str {
    what.split_once('=').map_or(what, |(option, _)| option)
}

fn count(some: usize) -> u32 {
    u32::try_from(some).unwrap_or(u32::MAX)
}

impl Ledger {
    /// An empty ledger. `life` must differ from that of earlier ones, and from 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::Ledger;
    ///
    /// assert_eq!(Ledger::new(1).version(), 0);
    /// ```
    #[must_use]
    pub fn new(life: u64) -> Self {
        Self {
            life,
            version: 0,
            members: BTreeMap::new(),
            accounts: BTreeMap::new(),
            orders: BTreeMap::new(),
        }
    }

    /// See [`Engine::beat`](crate::Engine::beat).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_fleet::{Beat, Ledger};
    ///
    /// let mut ledger = Ledger::new(1);
    /// let alive_for = Duration::from_secs(15);
    /// ledger.beat(Beat { member: "a", alive_for, life: 0, version: 0 }, 0);
    /// let report = ledger.beat(Beat { member: "b", alive_for, life: 0, version: 0 }, 15_000);
    /// assert_eq!(report.members, 1); // `a` is gone after 15 s
    /// ```
    pub fn beat(&mut self, beat: Beat<'_>, now: u64) -> Report {
        let gone = self.members.insert(beat.member.to_owned(), now + millis(beat.alive_for));
        self.expire(now);
        if gone.is_none_or(|gone| gone <= now) {
            // Its votes have a say again.
            self.count_all(now);
        }
        let is_whole = beat.life != self.life || beat.version > self.version;
        let is_news = |changed: u64| is_whole || changed > beat.version;
        let records = self.accounts.iter().filter(|(_, account)| is_news(account.changed));
        let orders = self.orders.iter().filter(|(_, order)| is_news(order.number));
        Report {
            life: self.life,
            version: self.version,
            is_whole,
            members: count(self.members.len()),
            records: records
                .map(|(name, account)| account.record(name, beat.member, now))
                .collect(),
            orders: orders.map(|((circuit, _), order)| order.posted(circuit, now)).collect(),
        }
    }

    /// See [`Engine::tell`](crate::Engine::tell).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_fleet::{Beat, Ledger, What, Word};
    ///
    /// let mut ledger = Ledger::new(1);
    /// let lasts = Duration::from_secs(900);
    /// let what = What::Order { what: "cooldown=5s".into(), lasts, by: "alice".into() };
    /// ledger.tell(&Word { member: "a".into(), circuit: "payments".into(), what }, 0);
    /// let report = ledger.beat(Beat { member: "b", alive_for: lasts, life: 0, version: 0 }, 0);
    /// assert_eq!(report.orders[0].what, "cooldown=5s");
    /// ```
    pub fn tell(&mut self, word: &Word, now: u64) {
        self.expire(now);
        let Word { member, circuit, what } = word;
        if let What::Order { what, lasts, by } = what {
            self.version += 1;
            let (what, by, until) = (what.clone(), by.clone(), now + millis(*lasts));
            let about = (circuit.clone(), option_of(&what).to_owned());
            self.orders.insert(about, Standing { number: self.version, what, by, until });
            return;
        }
        if !matches!(what, What::Vote { .. }) && !self.accounts.contains_key(circuit) {
            return;
        }
        self.version += 1;
        let (version, members) = (self.version, &self.members);
        let account = self.accounts.entry(circuit.clone()).or_default();
        account.changed = version;
        let has_lease = account.has_lease(member, now);
        match what {
            What::Vote { lasts, reopenings, settings, rule } => {
                let until = now + millis(*lasts);
                account.votes.insert(member.clone(), until);
                if account.settings.contains_key(settings) || account.settings.len() < MOST_SETTINGS
                {
                    let known = account.settings.entry(*settings).or_default();
                    *known = until.max(*known);
                }
                account.rule = Some(*rule);
                if has_lease {
                    account.lease = None;
                    account.open_again(until, *reopenings, version);
                } else {
                    account.count(members, *reopenings, now, version);
                }
            }
            What::Withdraw => {
                account.votes.remove(member);
                if has_lease {
                    account.lease = None;
                }
                let is_probing = account.lease.as_ref().is_some_and(|(_, until)| *until > now);
                if account.stand == Stand::Open && account.open_until > now && !is_probing {
                    account.recount(members, version);
                }
            }
            What::Recovered if has_lease => account.close(Stand::Recovered, version),
            What::Recovered => {
                account.votes.remove(member);
            }
            What::Order { .. } => {}
        }
        account.keep(now);
    }

    /// See [`Engine::lease`](crate::Engine::lease).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_fleet::{Ask, Beat, Ledger, Leased, Rule, What, Word};
    ///
    /// let mut ledger = Ledger::new(1);
    /// let lasts = Duration::from_secs(60);
    /// ledger.beat(Beat { member: "a", alive_for: lasts, life: 0, version: 0 }, 0);
    /// let what = What::Vote { lasts, reopenings: 0, settings: 1, rule: Rule::ANY };
    /// ledger.tell(&Word { member: "a".into(), circuit: "payments".into(), what }, 0);
    /// let ask = Ask { member: "b", circuit: "payments", lasts };
    /// assert_eq!(ledger.lease(ask, 60_000), Leased::Granted); // the cooldown of the vote is over
    /// ```
    pub fn lease(&mut self, ask: Ask<'_>, now: u64) -> Leased {
        self.expire(now);
        let Some(account) = self.accounts.get_mut(ask.circuit) else { return Leased::Unneeded };
        if account.stand != Stand::Open {
            return Leased::Unneeded;
        }
        if let Some((holder, until)) = &account.lease
            && *until > now
            && holder != ask.member
        {
            return Leased::Held(holder.clone(), Duration::from_millis(until - now));
        }
        if account.open_until > now {
            return Leased::NotDue(Duration::from_millis(account.open_until - now));
        }
        self.version += 1;
        account.changed = self.version;
        account.lease = Some((ask.member.to_owned(), now + millis(ask.lasts)));
        account.keep(now);
        Leased::Granted
    }

    /// The version. Compare it to see whether something changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_fleet::{Ledger, What, Word};
    ///
    /// let mut ledger = Ledger::new(1);
    /// let before = ledger.version();
    /// let lasts = Duration::from_secs(900);
    /// let what = What::Order { what: "cooldown=5s".into(), lasts, by: "alice".into() };
    /// ledger.tell(&Word { member: "a".into(), circuit: "payments".into(), what }, 0);
    /// assert!(ledger.version() > before);
    /// ```
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Gives the numbers of changes to `renumber`. A model that keeps only their order has fewer states.
    #[cfg(test)]
    pub(crate) fn renumber(&mut self, mut renumber: impl FnMut(&mut u64)) {
        renumber(&mut self.version);
        for account in self.accounts.values_mut() {
            renumber(&mut account.changed);
            renumber(&mut account.round);
        }
    }

    /// What ends when for a member.
    #[cfg(test)]
    pub(crate) fn ends(&self, circuit: &str, member: &str) -> Ends {
        let account = self.accounts.get(circuit);
        let lease = account.and_then(|account| account.lease.as_ref());
        Ends {
            vote: account.and_then(|account| account.votes.get(member).copied()),
            lease: lease.filter(|(holder, _)| holder == member).map(|(_, until)| *until),
            gone: self.members.get(member).copied(),
        }
    }

    #[cfg(test)]
    pub(crate) fn record(&self, circuit: &str, asks: &str, now: u64) -> Option<Record> {
        Some(self.accounts.get(circuit)?.record(circuit, asks, now))
    }

    /// Gives members other names.
    #[cfg(test)]
    pub(crate) fn rename(&mut self, name: impl Fn(&str) -> String) {
        let renamed = |all: &mut BTreeMap<String, u64>| {
            *all = all.iter().map(|(member, until)| (name(member), *until)).collect();
        };
        renamed(&mut self.members);
        for account in self.accounts.values_mut() {
            renamed(&mut account.votes);
            account.lease.iter_mut().for_each(|(holder, _)| *holder = name(holder));
        }
    }

    /// Whether the fleet holds a circuit open.
    #[cfg(test)]
    pub(crate) fn holds(&self, circuit: &str, now: u64) -> bool {
        self.accounts.get(circuit).is_some_and(|account| account.is_held(now))
    }

    /// Forgets what is over.
    pub(crate) fn expire(&mut self, now: u64) {
        let lived = self.members.len();
        self.members.retain(|_, until| *until > now);
        self.orders.retain(|_, order| order.until > now);
        self.accounts.retain(|_, account| account.kept_until > now);
        for account in self.accounts.values_mut() {
            let counted = account.votes.len();
            account.votes.retain(|_, until| *until > now);
            account.settings.retain(|_, until| *until > now);
            if account.votes.len() < counted {
                self.version += 1;
                account.changed = self.version;
            }
        }
        if self.members.len() < lived {
            self.count_all(now);
        }
    }

    /// Counts the votes again, because the live members are others.
    fn count_all(&mut self, now: u64) {
        for account in self.accounts.values_mut().filter(|it| !it.votes.is_empty()) {
            if !account.is_held(now) && account.is_met(&self.members) {
                self.version += 1;
                account.count(&self.members, 0, now, self.version);
                account.changed = self.version;
                account.keep(now);
            }
        }
    }
}

impl Account {
    fn has_lease(&self, member: &str, now: u64) -> bool {
        self.lease.as_ref().is_some_and(|(holder, until)| holder == member && *until > now)
    }

    /// The votes of live members. A member that is gone has no say.
    fn live_votes(&self, members: &BTreeMap<String, u64>) -> u32 {
        count(self.votes.keys().filter(|member| members.contains_key(*member)).count())
    }

    fn needed_of(&self, members: &BTreeMap<String, u64>) -> u32 {
        self.rule.unwrap_or(Rule::QUORUM).needed(count(members.len()))
    }

    fn is_met(&self, members: &BTreeMap<String, u64>) -> bool {
        self.live_votes(members) >= self.needed_of(members)
    }

    /// Whether it is held open: by votes, or because it is probed.
    fn is_held(&self, now: u64) -> bool {
        let is_probed = self.lease.as_ref().is_some_and(|(_, until)| *until > now);
        self.stand == Stand::Open && (self.open_until > now || is_probed)
    }

    /// Opens if there are enough votes. A circuit that nothing holds open any more opens again: it may have closed at
    /// members that were alone.
    fn count(&mut self, members: &BTreeMap<String, u64>, reopenings: u32, now: u64, version: u64) {
        let (votes, needed) = (self.live_votes(members), self.needed_of(members));
        let is_met = votes >= needed;
        if is_met && !self.is_held(now) {
            (self.stand, self.round, self.reopenings) = (Stand::Open, version, 0);
            (self.open_until, self.opened_by, self.lease) = (0, 0, None);
        }
        // While it is open, these are the numbers that opened it.
        if self.stand != Stand::Open || is_met && votes >= self.opened_by {
            (self.needed, self.counted_among) = (needed, count(members.len()));
        }
        if is_met {
            let longest = self.votes.iter().filter(|(member, _)| members.contains_key(*member));
            let longest = longest.map(|(_, until)| *until).max().unwrap_or(0);
            self.open_until = longest.max(self.open_until);
            self.opened_by = votes.max(self.opened_by);
            self.reopenings = reopenings.max(self.reopenings);
        }
    }

    /// The prober of all failed.
    fn open_again(&mut self, until: u64, reopenings: u32, version: u64) {
        (self.round, self.open_until) = (version, until);
        self.reopenings = reopenings.max(self.reopenings);
    }

    /// A vote was taken back.
    fn recount(&mut self, members: &BTreeMap<String, u64>, version: u64) {
        if !self.is_met(members) {
            let votes = std::mem::take(&mut self.votes);
            self.close(Stand::Withdrawn, version);
            self.votes = votes;
        }
    }

    fn close(&mut self, stand: Stand, version: u64) {
        (self.stand, self.round) = (stand, version);
        (self.open_until, self.opened_by, self.reopenings, self.lease) = (0, 0, 0, None);
        self.votes.clear();
        self.settings.clear();
    }

    fn keep(&mut self, now: u64) {
        let ends = self.votes.values().chain([&self.open_until, &now]).copied();
        let lease = self.lease.iter().map(|(_, until)| *until);
        self.kept_until = ends.chain(lease).max().unwrap_or(now) + KEPT;
    }

    fn record(&self, circuit: &str, asks: &str, now: u64) -> Record {
        let left = |until: u64| Duration::from_millis(until.saturating_sub(now));
        let lease = self.lease.as_ref().filter(|(_, until)| *until > now);
        let is_open = self.stand == Stand::Open;
        Record {
            circuit: circuit.to_owned(),
            round: self.round,
            stand: self.stand,
            left: left(self.open_until),
            votes: if is_open { self.opened_by } else { count(self.votes.len()) },
            needed: self.needed,
            members: self.counted_among,
            has_voted: self.votes.contains_key(asks),
            reopenings: self.reopenings,
            prober: lease.map(|(holder, until)| (holder.clone(), left(*until))),
            settings: count(self.settings.len()),
        }
    }
}

impl Standing {
    fn posted(&self, circuit: &str, now: u64) -> Posted {
        Posted {
            circuit: circuit.to_owned(),
            number: self.number,
            what: self.what.clone(),
            by: self.by.clone(),
            left: Duration::from_millis(self.until.saturating_sub(now)),
        }
    }
}

#[cfg(test)]
mod tests;
