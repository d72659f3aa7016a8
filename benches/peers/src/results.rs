//! What was measured, and how it relates.

use crate::baseline;
use crate::item::{Group, Side};
use crate::measure::median;

/// The numbers of threads that call at once.
pub(crate) const CROWDS: [usize; 4] = [1, 2, 8, 64];

/// Nanoseconds per call of one item, one for each turn.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) group: Group,
    pub(crate) label: String,
    pub(crate) side: Side,
    pub(crate) turns: Vec<f64>,
}

impl Figure {
    pub(crate) fn ns(&self) -> f64 {
        median(&self.turns)
    }
}

/// Calls per second that several threads made, for each of [`CROWDS`] and each turn.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) group: Group,
    pub(crate) label: String,
    pub(crate) side: Side,
    pub(crate) turns: [Vec<f64>; CROWDS.len()],
}

impl Crowd {
    /// All calls per second of so many threads, if they were measured.
    pub(crate) fn rate(&self, threads: usize) -> Option<f64> {
        let crowd = CROWDS.iter().position(|&crowd| crowd == threads)?;
        let turns = &self.turns[crowd];
        (!turns.is_empty()).then(|| median(turns))
    }

    /// How many times the calls of one thread so many make.
    pub(crate) fn scaling(&self, threads: usize) -> Option<f64> {
        Some(self.rate(threads)? / self.rate(1)?)
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub struct Results {
    pub(crate) figures: Vec<Figure>,
    pub(crate) crowds: Vec<Crowd>,
}

impl Results {
    /// Nanoseconds of one item.
    pub(crate) fn ns(&self, group: Group, label: &str) -> Option<f64> {
        let mut figures = self.figures.iter();
        figures.find(|figure| figure.group == group && figure.label == label).map(Figure::ns)
    }

    /// Nanoseconds that one `fetch_add` adds to the bare function.
    pub(crate) fn unit(&self) -> Option<f64> {
        /// Some processors overlap `fetch_add` with the function. Ratios to what is left would say nothing.
        const LEAST: f64 = 1.0;
        self.over_bare(Group::SyncOk, baseline::COUNTED).filter(|unit| *unit >= LEAST)
    }

    /// Nanoseconds on top of the bare function, where there is one that does the same work.
    pub(crate) fn over_bare(&self, group: Group, label: &str) -> Option<f64> {
        Some(self.ns(group, label)? - self.ns(group.group_of_bare(), baseline::NAME)?)
    }

    /// [`over_bare`](Self::over_bare), or the whole call where nothing bare does the same, in units.
    pub(crate) fn units(&self, group: Group, label: &str) -> Option<f64> {
        let cost = self.over_bare(group, label).or_else(|| self.ns(group, label))?;
        Some(cost / self.unit()?)
    }

    /// Nanoseconds of the fastest peer.
    pub(crate) fn fastest_peer(&self, group: Group) -> Option<f64> {
        let peers = self.figures.iter().filter(|figure| figure.side == Side::Peer);
        peers.filter(|figure| figure.group == group).map(Figure::ns).min_by(f64::total_cmp)
    }

    /// How many times as fast as the fastest peer an item is.
    pub(crate) fn speed(&self, group: Group, label: &str) -> Option<f64> {
        Some(self.fastest_peer(group)? / self.ns(group, label)?)
    }

    /// What several threads of one contender did.
    pub(crate) fn crowd(&self, group: Group, label: &str) -> Option<&Crowd> {
        self.crowds.iter().find(|crowd| crowd.group == group && crowd.label == label)
    }

    /// The most calls per second that so many threads of a peer made.
    pub(crate) fn busiest_peer(&self, group: Group, threads: usize) -> Option<f64> {
        let peers = self.crowds.iter().filter(|crowd| crowd.side == Side::Peer);
        let peers = peers.filter(|crowd| crowd.group == group);
        peers.filter_map(|crowd| crowd.rate(threads)).max_by(f64::total_cmp)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{ours, recloser};

    pub(crate) fn results(figures: &[(Group, &str, Side, f64)]) -> Results {
        let figures = figures.iter().map(|&(group, label, side, ns)| Figure {
            group,
            label: label.to_owned(),
            side,
            turns: vec![ns, 1000.0, ns],
        });
        Results { figures: figures.collect(), crowds: Vec::new() }
    }

    fn sample() -> Results {
        results(&[
            (Group::SyncOk, baseline::COUNTED, Side::Baseline, 7.0),
            (Group::SyncOk, baseline::NAME, Side::Baseline, 2.0),
            (Group::SyncOk, ours::NAME, Side::Ours, 4.0),
            (Group::SyncOk, recloser::NAME, Side::Peer, 20.0),
            (Group::SyncOk, "another", Side::Peer, 16.0),
            (Group::SyncOpen, ours::NAME, Side::Ours, 6.0),
            (Group::TimeWindow, ours::NAME, Side::Ours, 9.0),
        ])
    }

    fn close(value: Option<f64>, expected: f64) {
        let value = value.expect("it was measured");
        assert!((value - expected).abs() < 1e-9, "{value} instead of {expected}");
    }

    #[test]
    fn a_cost_is_what_comes_on_top_of_the_bare_function_in_units() {
        close(sample().over_bare(Group::SyncOk, ours::NAME), 2.0);
        close(sample().units(Group::SyncOk, ours::NAME), 0.4);
    }

    #[test]
    fn where_fetch_add_adds_next_to_nothing_no_cost_is_told_in_units() {
        let results = results(&[
            (Group::SyncOk, baseline::COUNTED, Side::Baseline, 2.5),
            (Group::SyncOk, baseline::NAME, Side::Baseline, 2.0),
            (Group::SyncOk, ours::NAME, Side::Ours, 4.0),
        ]);
        close(results.over_bare(Group::SyncOk, ours::NAME), 2.0);
        assert_eq!(results.units(Group::SyncOk, ours::NAME), None);
    }

    #[test]
    fn a_time_window_guards_the_bare_function_of_another_group() {
        close(sample().over_bare(Group::TimeWindow, ours::NAME), 7.0);
    }

    #[test]
    fn a_refused_call_costs_all_that_it_takes() {
        assert_eq!(sample().over_bare(Group::SyncOpen, ours::NAME), None);
        close(sample().units(Group::SyncOpen, ours::NAME), 1.2);
    }

    #[test]
    fn speed_is_told_against_the_fastest_peer() {
        close(sample().speed(Group::SyncOk, ours::NAME), 4.0);
        close(sample().speed(Group::SyncOk, recloser::NAME), 0.8);
        assert_eq!(sample().speed(Group::SyncOpen, ours::NAME), None);
    }

    #[test]
    fn threads_are_compared_with_one_of_the_same_contender() {
        let crowd = Crowd {
            group: Group::SyncOk,
            label: "both".to_owned(),
            side: Side::Peer,
            turns: [vec![10.0, 12.0, 11.0], vec![22.0], Vec::new(), Vec::new()],
        };
        close(crowd.scaling(2), 2.0);
        assert_eq!(crowd.scaling(8), None);
        assert_eq!(crowd.rate(3), None);
        let results = Results { figures: Vec::new(), crowds: vec![crowd] };
        close(results.busiest_peer(Group::SyncOk, 2), 22.0);
        assert_eq!(results.busiest_peer(Group::OwnKey, 2), None);
    }
}
