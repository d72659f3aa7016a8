//! The figures that breaker is held to.

use crate::item::Group;
use crate::results::Results;
use crate::{failsafe, ours, recloser, tower_resilience};

/// A bound on a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// In units: so many `fetch_add`, or fewer.
    AtMost(f64),
    /// A ratio: so many times, or more.
    AtLeast(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

/// A figure and its bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) number: &'static str,
    pub(crate) what: &'static str,
    pub(crate) value: f64,
    pub(crate) bound: Bound,
}

impl Target {
    pub(crate) fn is_met(&self) -> bool {
        self.bound.holds(self.value)
    }
}

/// Those whose figures were measured.
pub(crate) fn targets(results: &Results) -> Vec<Target> {
    let cost = |group, label| results.units(group, label);
    let speed = |group, label| results.speed(group, label);
    let against = |group, peer| Some(results.ns(group, peer)? / results.ns(group, ours::NAME)?);
    let crowd = |group, label| results.crowd(group, label);
    let twice = |group, label| crowd(group, label)?.scaling(2);
    let beside = |group, threads| {
        let ours = crowd(group, ours::NAME)?.rate(threads)?;
        Some(ours / results.busiest_peer(group, threads)?)
    };
    let at_most = Bound::AtMost;
    let at_least = Bound::AtLeast;

    [
        ("P1", "sync, over bare", cost(Group::SyncOk, ours::NAME), at_most(0.32)),
        ("P2", "sync, fastest peer", speed(Group::SyncOk, ours::NAME), at_least(4.5)),
        ("P2", "sync, recloser", against(Group::SyncOk, recloser::NAME), at_least(6.0)),
        ("P4", "async, over bare", cost(Group::AsyncOk, ours::NAME), at_most(0.55)),
        ("P4", "async, fastest peer", speed(Group::AsyncOk, ours::NAME), at_least(8.0)),
        ("P5", "1 % failures, over bare", cost(Group::SyncOnePercent, ours::NAME), at_most(1.5)),
        ("P5", "10 % failures, over bare", cost(Group::SyncTenPercent, ours::NAME), at_most(1.9)),
        ("P6", "open, whole call", cost(Group::SyncOpen, ours::NAME), at_most(1.4)),
        ("P6", "open, with a fallback", cost(Group::SyncOpen, ours::FALLBACK), at_most(1.4)),
        ("P6", "open, fastest peer", speed(Group::SyncOpen, ours::NAME), at_least(3.2)),
        ("P7", "2 threads, 1 thread", twice(Group::SyncOk, ours::NAME), at_least(1.8)),
        ("P7", "2 threads, best peer", beside(Group::SyncOk, 2), at_least(60.0)),
        ("P8", "time window, over bare", cost(Group::TimeWindow, ours::NAME), at_most(1.45)),
        ("P8", "time window, failsafe", against(Group::TimeWindow, failsafe::RATE), at_least(8.0)),
        ("P9", "slow calls, coarse clock", cost(Group::SlowCall, ours::COARSE), at_most(2.3)),
        ("P9", "slow calls, precise clock", cost(Group::SlowCall, ours::PRECISE), at_most(4.2)),
        ("P12", "known key, over bare", cost(Group::OwnKey, ours::NAME), at_most(5.0)),
        ("P12", "one of 8 keys, over bare", cost(Group::Keyed, ours::NAME), at_most(5.0)),
        ("P12", "a key each, 2 threads", twice(Group::OwnKey, ours::NAME), at_least(1.6)),
        ("P13", "timings, over bare", cost(Group::SyncOk, ours::TIMED), at_most(5.0)),
        ("P13", "timings, 2 threads", twice(Group::SyncOk, ours::TIMED), at_least(1.2)),
        ("P13", "hung_after, over bare", cost(Group::SyncOk, ours::WATCHED), at_most(5.0)),
        ("P13", "hung_after, 2 threads", twice(Group::SyncOk, ours::WATCHED), at_least(1.2)),
        ("P15", "open, with a listener", cost(Group::SyncOpen, ours::HEARD), at_most(12.0)),
        (
            "P18",
            "tower, tower-resilience",
            against(Group::TowerOk, tower_resilience::NAME),
            at_least(8.0),
        ),
        ("P20", "probe, over bare", cost(Group::SyncHalfOpen, ours::NAME), at_most(8.0)),
        ("", "1 % failures, 64 threads", beside(Group::SyncOnePercent, 64), at_least(1.0)),
    ]
    .into_iter()
    .filter_map(|(number, what, value, bound)| Some(Target { number, what, value: value?, bound }))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline;
    use crate::item::Side;
    use crate::results::tests::results;
    use crate::results::{CROWDS, Crowd, Figure};

    #[test]
    fn bounds_hold_at_their_edge() {
        assert!(Bound::AtMost(0.5).holds(0.5));
        assert!(!Bound::AtMost(0.5).holds(0.51));
        assert!(Bound::AtLeast(3.5).holds(3.5));
        assert!(!Bound::AtLeast(3.5).holds(3.49));
    }

    #[test]
    fn every_target_is_about_items_that_exist() {
        let contenders = crate::contenders();
        let items = || contenders.iter().flat_map(|by| by.items.iter().map(move |item| (by, item)));
        let figures = items().map(|(by, item)| Figure {
            group: item.group,
            label: by.label(item),
            side: by.side,
            turns: vec![if by.label(item) == baseline::COUNTED { 9.0 } else { 1.0 }],
        });
        let crowds = items().filter(|(_, item)| item.group.is_crowded()).map(|(by, item)| Crowd {
            group: item.group,
            label: by.label(item),
            side: by.side,
            turns: CROWDS.map(|_| vec![1.0]),
        });
        let results = Results { figures: figures.collect(), crowds: crowds.collect() };
        assert_eq!(targets(&results).len(), 27);
    }

    #[test]
    fn a_target_whose_figures_are_missing_is_left_out() {
        let results = results(&[
            (Group::SyncOk, baseline::COUNTED, Side::Baseline, 7.0),
            (Group::SyncOk, baseline::NAME, Side::Baseline, 2.0),
            (Group::SyncOk, ours::NAME, Side::Ours, 3.5),
            (Group::SyncOk, recloser::NAME, Side::Peer, 16.0),
        ]);
        let told: Vec<_> = targets(&results)
            .iter()
            .map(|target| (target.number, format!("{:.1}", target.value), target.is_met()))
            .collect();
        let expected = [("P1", "0.3", true), ("P2", "4.6", true), ("P2", "4.6", false)];
        assert_eq!(told, expected.map(|(number, value, met)| (number, value.to_owned(), met)));
    }
}
