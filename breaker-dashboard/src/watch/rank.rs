//! Ranks circuits: those that need attention come first.

use std::cmp::Reverse;

use breaker_runtime::{Snapshot, State};
use serde::Serialize;

use super::history::{Histories, History};

/// How much a circuit needs attention. Lower is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Rank(u8);

impl Rank {
    pub(crate) fn of(circuit: &Snapshot) -> Self {
        let is_failing = circuit.consecutive_failures > 0
            || circuit.failure_rate.is_some_and(|share| share > 0.0)
            || circuit.slow_call_rate.is_some_and(|share| share > 0.0);
        Self(match circuit.state {
            // An open circuit that probes is as bad as before. If it went elsewhere, rows would jump.
            State::ForcedOpen | State::Open | State::HalfOpen => 0,
            State::Disabled => 2,
            State::Closed if is_failing => 3,
            State::Closed => 4,
            // Recovering, and any state that is newer than this page.
            _ => 1,
        })
    }
}

/// A position in a list: by rank, then by the calls that are not served per second, then by name.
///
/// A list that is read in pages has it as a text. It is valid even if its circuit is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    rank: Rank,
    /// In thousandths.
    not_served: Reverse<u64>,
    name: String,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Worst,
    /// Complete even if circuits change while a client reads page after page.
    Name,
}

impl Place {
    pub(crate) fn of(circuit: &Snapshot, histories: &Histories, sort: Sort) -> Self {
        let (rank, not_served) = match sort {
            Sort::Worst => {
                let history = histories.of(&circuit.name);
                (Rank::of(circuit), history.map_or(0, History::not_served))
            }
            Sort::Name => (Rank(0), 0),
        };
        Self { rank, not_served: Reverse(not_served), name: circuit.name.clone() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn rank(&self) -> Rank {
        self.rank
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (rank, rest) = text.split_once('~')?;
        let (not_served, name) = rest.split_once('~')?;
        let not_served = Reverse(not_served.parse().ok()?);
        Some(Self { rank: Rank(rank.parse().ok()?), not_served, name: name.to_owned() })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rank, not_served, name } = self;
        write!(f, "{}~{}~{name}", rank.0, not_served.0)
    }
}

/// Circuits with their places, in order.
pub(crate) fn placed(
    circuits: Vec<Snapshot>,
    histories: &Histories,
    sort: Sort,
) -> Vec<(Place, Snapshot)> {
    let mut placed: Vec<_> = circuits
        .into_iter()
        .map(|circuit| (Place::of(&circuit, histories, sort), circuit))
        .collect();
    placed.sort_by(|(one, _), (other, _)| one.cmp(other));
    placed
}

#[cfg(test)]
mod tests {
    use breaker_runtime::{CircuitBreaker, Config};

    use super::*;

    fn circuit(name: &str) -> CircuitBreaker {
        CircuitBreaker::new(name, Config::new().count_window(2)).unwrap()
    }

    fn snapshot(name: &str, act: impl FnOnce(&CircuitBreaker)) -> Snapshot {
        let circuit = circuit(name);
        act(&circuit);
        circuit.snapshot()
    }

    fn names(placed: &[(Place, Snapshot)]) -> Vec<&str> {
        placed.iter().map(|(_, circuit)| circuit.name.as_str()).collect()
    }

    #[test]
    fn the_worst_come_first_and_equals_by_name() {
        let fail = |circuit: &CircuitBreaker| circuit.try_acquire().unwrap().failure();
        let all = vec![
            snapshot("b", |_| {}),
            snapshot("a", |_| {}),
            snapshot("failing", fail),
            snapshot("failed", |circuit| {
                fail(circuit);
                circuit.try_acquire().unwrap().success();
            }),
            snapshot("disabled", CircuitBreaker::disable),
            snapshot("open", CircuitBreaker::trip),
            snapshot("forced", CircuitBreaker::force_open),
        ];
        let none = Histories::default();
        let worst = placed(all.clone(), &none, Sort::Worst);
        let expected = ["forced", "open", "disabled", "failed", "failing", "a", "b"];
        assert_eq!(names(&worst), expected);
        let by_name = placed(all, &none, Sort::Name);
        assert_eq!(names(&by_name), ["a", "b", "disabled", "failed", "failing", "forced", "open"]);
    }

    #[test]
    fn of_the_open_circuits_the_one_that_refuses_most_comes_first() {
        let all = [circuit("a-few"), circuit("b-many"), circuit("c-none"), circuit("d-forced")];
        let snapshots = || all.iter().map(CircuitBreaker::snapshot).collect::<Vec<_>>();
        let mut histories = Histories::default();
        histories.note(1, &snapshots());
        let [few, many, none, forced] = &all;
        for circuit in [few, many, none] {
            circuit.trip();
        }
        forced.force_open();
        for (circuit, calls) in [(few, 1), (many, 100), (forced, 10)] {
            (0..calls).for_each(|_| assert!(circuit.try_acquire().is_err()));
        }
        histories.note(2, &snapshots());
        let worst = placed(snapshots(), &histories, Sort::Worst);
        assert_eq!(names(&worst), ["b-many", "d-forced", "a-few", "c-none"]);
        assert!(worst.is_sorted_by_key(|(place, _)| place));
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let snapshot = snapshot("a~b", CircuitBreaker::trip);
        let place = Place::of(&snapshot, &Histories::default(), Sort::Worst);
        assert_eq!(place.to_string(), "0~0~a~b");
        assert_eq!(Place::parse("0~0~a~b"), Some(place));
        for nonsense in ["a", "x~0~a", "0~x~a", "0~a", ""] {
            assert_eq!(Place::parse(nonsense), None, "{nonsense}");
        }
    }
}
