//! Ranks circuits: those that need attention come first.

use breaker_runtime::{Snapshot, State};

/// How much a circuit needs attention. Lower is more. Circuits of one rank are sorted by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank(u8);

impl Rank {
    pub(crate) fn of(circuit: &Snapshot) -> Self {
        let is_failing = circuit.consecutive_failures > 0
            || circuit.failure_rate.is_some_and(|share| share > 0.0)
            || circuit.slow_call_rate.is_some_and(|share| share > 0.0);
        Self(match circuit.state {
            State::ForcedOpen => 0,
            State::Open => 1,
            State::Disabled => 3,
            State::Closed if is_failing => 4,
            State::Closed => 5,
            // Half-open, recovering, and any state that is newer than this page.
            _ => 2,
        })
    }
}

/// Sorts circuits, which are sorted by name, by rank.
pub(crate) fn sort_by_rank(circuits: &mut [Snapshot]) {
    circuits.sort_by_cached_key(|circuit| (Rank::of(circuit), circuit.name.clone()));
}

/// A position in a list that is read in pages. It is valid even if its circuit is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(Rank, String);

impl Place {
    pub(crate) fn of(circuit: &Snapshot) -> Self {
        Self(Rank::of(circuit), circuit.name.clone())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (rank, name) = text.split_once('~')?;
        Some(Self(Rank(rank.parse().ok()?), name.to_owned()))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}~{}", self.0.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use breaker_runtime::{CircuitBreaker, Config};

    use super::*;

    fn snapshot(name: &str, act: impl FnOnce(&CircuitBreaker)) -> Snapshot {
        let circuit = CircuitBreaker::new(name, Config::new().count_window(2)).unwrap();
        act(&circuit);
        circuit.snapshot()
    }

    #[test]
    fn the_worst_come_first_and_equals_by_name() {
        let fail = |circuit: &CircuitBreaker| circuit.try_acquire().unwrap().failure();
        let mut all = [
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
        sort_by_rank(&mut all);
        let names: Vec<_> = all.iter().map(|circuit| circuit.name.as_str()).collect();
        assert_eq!(names, ["forced", "open", "disabled", "failed", "failing", "a", "b"]);
        assert!(all.is_sorted_by_key(Place::of));
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place::of(&snapshot("a~b", CircuitBreaker::trip));
        assert_eq!(place.to_string(), "1~a~b");
        assert_eq!(Place::parse("1~a~b"), Some(place));
        assert_eq!([Place::parse("a"), Place::parse("x~a"), Place::parse("")], [None, None, None]);
    }
}
