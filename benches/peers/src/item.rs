//! What is measured: items, each the calls of one contender in one situation.

use std::fmt;

/// A situation in which contenders are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// One atomic addition, the unit of all ratios.
    Unit,
    /// Closed, and every call succeeds.
    SyncOk,
    /// Closed, and one call of a hundred fails.
    SyncOnePercent,
    /// Closed, and one call of ten fails.
    SyncTenPercent,
    /// Open: every call is refused.
    SyncOpen,
    /// Half-open: every call is a probe that succeeds and is not the last.
    SyncHalfOpen,
    /// Closed, and every future succeeds at its first poll.
    AsyncOk,
    /// Open: every future is refused.
    AsyncOpen,
    /// As [`Group::AsyncOk`], as a tower service that is asked whether it is ready first.
    TowerOk,
    /// As [`Group::SyncOk`], judged over a window of time.
    TimeWindow,
    /// As [`Group::SyncTenPercent`], judged over a window of time.
    TimeWindowTenPercent,
    /// As [`Group::SyncOk`], with a threshold from which on a call is slow.
    SlowCall,
    /// As [`Group::SyncOk`], with a circuit for each of eight hosts.
    Keyed,
    /// As [`Group::Keyed`], where each thread calls one host.
    OwnKey,
    /// The first call of all at a place that is guarded, which makes the circuit.
    FirstCall,
}

impl Group {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 15] = [
        Self::Unit,
        Self::SyncOk,
        Self::SyncOnePercent,
        Self::SyncTenPercent,
        Self::SyncOpen,
        Self::SyncHalfOpen,
        Self::AsyncOk,
        Self::AsyncOpen,
        Self::TowerOk,
        Self::TimeWindow,
        Self::TimeWindowTenPercent,
        Self::SlowCall,
        Self::Keyed,
        Self::OwnKey,
        Self::FirstCall,
    ];

    /// Whether the calls are made by several threads, too.
    pub(crate) fn is_crowded(self) -> bool {
        matches!(self, Self::SyncOk | Self::SyncOnePercent | Self::OwnKey)
    }

    /// The group whose bare function does the same work, if that is another one.
    pub(crate) fn group_of_bare(self) -> Self {
        match self {
            Self::SyncHalfOpen | Self::TimeWindow | Self::SlowCall => Self::SyncOk,
            Self::TimeWindowTenPercent => Self::SyncTenPercent,
            other => other,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "unit",
            Self::SyncOk => "sync, closed",
            Self::SyncOnePercent => "sync, closed, 1 % failures",
            Self::SyncTenPercent => "sync, closed, 10 % failures",
            Self::SyncOpen => "sync, open",
            Self::SyncHalfOpen => "sync, half-open",
            Self::AsyncOk => "async, closed",
            Self::AsyncOpen => "async, open",
            Self::TowerOk => "tower, closed",
            Self::TimeWindow => "time window, closed",
            Self::TimeWindowTenPercent => "time window, closed, 10 % failures",
            Self::SlowCall => "slow calls timed, closed",
            Self::Keyed => "keyed, closed",
            Self::OwnKey => "keyed, one host, closed",
            Self::FirstCall => "first call",
        })
    }
}

/// Which side a contender is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// No breaker at all.
    Baseline,
    /// breaker.
    Ours,
    /// Somebody else's.
    Peer,
}

/// How many of the calls of an item have to return `Ok`: more or fewer, and something else was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// All of them.
    Good,
    /// All but every n-th.
    GoodBut(u64),
    /// None, although the work would succeed.
    Refusals,
}

impl Answers {
    /// How many of `calls` these are.
    #[must_use]
    pub fn good(self, calls: u64) -> u64 {
        match self {
            Self::Good => calls,
            Self::GoodBut(every) => calls - calls / every,
            Self::Refusals => 0,
        }
    }
}

/// The calls of one contender in one situation.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// The situation.
    pub group: Group,
    /// What distinguishes it from the contender's other item of the group, if there is one.
    pub variant: Option<&'static str>,
    /// Makes so many calls, and says how many returned `Ok`.
    pub calls: fn(u64) -> u64,
    /// What they have to return.
    pub answers: Answers,
    /// Brings the circuit into the situation, wherever it was before.
    pub prepare: fn(),
    /// Panics unless the circuit is in the situation.
    pub check: fn(),
}

impl Item {
    pub(crate) fn new(group: Group, calls: fn(u64) -> u64) -> Self {
        let answers = match group {
            Group::SyncOnePercent => Answers::GoodBut(100),
            Group::SyncTenPercent | Group::TimeWindowTenPercent => Answers::GoodBut(10),
            Group::SyncOpen | Group::AsyncOpen => Answers::Refusals,
            _ => Answers::Good,
        };
        Self { group, variant: None, calls, answers, prepare: || {}, check: || {} }
    }

    pub(crate) fn variant(self, variant: &'static str) -> Self {
        Self { variant: Some(variant), ..self }
    }

    pub(crate) fn answers(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    pub(crate) fn prepare(self, prepare: fn()) -> Self {
        Self { prepare, ..self }
    }

    pub(crate) fn check(self, check: fn()) -> Self {
        Self { check, ..self }
    }

    /// Makes so many calls and compares what they returned with what they had to return.
    ///
    /// # Panics
    ///
    /// If those differ.
    pub fn make(&self, calls: u64) {
        self.verify(calls, (self.calls)(calls));
    }

    pub(crate) fn verify(&self, calls: u64, good: u64) {
        let expected = self.answers.good(calls);
        assert_eq!(good, expected, "calls of {calls} that returned Ok: {}", self.group);
    }
}

/// A breaker, or the lack of one, and all that is measured of it.
#[derive(Debug)]
pub struct Contender {
    /// Name and version.
    pub name: &'static str,
    /// Which side it is on.
    pub side: Side,
    /// Its config, and where it differs from what the others do.
    pub legend: &'static str,
    /// What it can do.
    pub items: Vec<Item>,
    /// Makes the first call of the n-th of a hundred places, none of which was called before.
    pub first_call: Option<fn(usize)>,
}

impl Contender {
    /// The name of one of its items in the table.
    #[must_use]
    pub fn label(&self, item: &Item) -> String {
        match item.variant {
            Some(variant) => format!("{}, {variant}", self.name),
            None => self.name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_of_ten_is_no_good_answer() {
        assert_eq!(Answers::GoodBut(10).good(29), 27);
        assert_eq!(Answers::Good.good(29), 29);
        assert_eq!(Answers::Refusals.good(29), 0);
    }

    #[test]
    #[should_panic(expected = "calls of 10 that returned Ok")]
    fn an_answer_that_was_not_meant_stops_the_measurement() {
        Item::new(Group::SyncOk, |calls| calls - 1).make(10);
    }
}
