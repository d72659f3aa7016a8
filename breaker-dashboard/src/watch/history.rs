//! What calls did in each of the last seconds. Pure: seconds are numbers, and the caller reads the clock.
//!
//! *Why it exists:* a circuit only counts up, because that costs nothing. Rates and charts are computed here,
//! from differences.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use breaker_runtime::Snapshot;
use serde::Serialize;

use super::durations::{Durations, Minute, STEP, Strip};

/// How many seconds are kept.
pub(crate) const SECONDS: usize = 60;
/// How many seconds "per second" is averaged over.
const RECENT: usize = 10;
/// How many circuits have a history. Later ones have none.
const MOST_CIRCUITS: usize = 5_000;
/// How many circuits have durations. They take 65 KiB each.
const MOST_TIMED: usize = 500;

/// Calls that ended or were refused in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Point {
    /// Ended without failing: success, ignored or cancelled.
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    pub(crate) rejected: u64,
}

impl Point {
    /// All that a circuit has counted so far.
    fn total(circuit: &Snapshot) -> Self {
        let calls = circuit.calls;
        Self {
            ok: calls.success.saturating_add(calls.ignored).saturating_add(calls.cancelled),
            failed: calls.failure,
            rejected: circuit.rejected.total(),
        }
    }

    fn zip(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            ok: with(self.ok, other.ok),
            failed: with(self.failed, other.failed),
            rejected: with(self.rejected, other.rejected),
        }
    }

    fn sum(self) -> u64 {
        self.ok.saturating_add(self.failed).saturating_add(self.rejected)
    }

    pub(crate) fn as_array(self) -> [u64; 3] {
        [self.ok, self.failed, self.rejected]
    }
}

/// The last seconds of one circuit, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    total: Point,
    points: VecDeque<Point>,
    /// Only of a circuit with `timings`.
    durations: Option<Box<Durations>>,
}

/// As lists, which are shorter than a list of objects.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Lines {
    pub(crate) ok: Vec<u64>,
    pub(crate) failed: Vec<u64>,
    pub(crate) rejected: Vec<u64>,
}

impl History {
    fn note(&mut self, total: Point, missed: u64) {
        for _ in 0..missed.min(SECONDS as u64) {
            push(&mut self.points, SECONDS, Point::default());
        }
        // A new circuit of the same name has counted from zero.
        let since = |now: u64, before: u64| if now < before { now } else { now - before };
        push(&mut self.points, SECONDS, total.zip(self.total, since));
        self.total = total;
    }

    /// How long the successes of the last minute took.
    pub(crate) fn minute(&self) -> Option<Minute> {
        self.durations.as_ref()?.minute()
    }

    /// How long all calls of the last minutes took.
    pub(crate) fn strip(&self, slow_call: Option<Duration>) -> Option<Strip> {
        self.durations.as_ref()?.strip(slow_call)
    }

    pub(crate) fn last(&self) -> Point {
        self.points.back().copied().unwrap_or_default()
    }

    /// The recent rate of calls that ended or were refused.
    pub(crate) fn per_second(&self) -> f64 {
        let recent = self.points.len().min(RECENT);
        let calls = self
            .points
            .iter()
            .rev()
            .take(recent)
            .fold(0_u64, |sum, point| sum.saturating_add(point.sum()));
        #[allow(clippy::cast_precision_loss, reason = "a rate that people read")]
        let rate = calls as f64 / recent.max(1) as f64;
        rate
    }

    pub(crate) fn lines(&self) -> Lines {
        let line = |of: fn(&Point) -> u64| self.points.iter().map(of).collect();
        Lines {
            ok: line(|it| it.ok),
            failed: line(|it| it.failed),
            rejected: line(|it| it.rejected),
        }
    }
}

/// The histories of all circuits, by name.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    /// The last second that is recorded.
    second: Option<u64>,
    by_name: HashMap<String, History>,
}

impl Histories {
    pub(crate) fn second(&self) -> u64 {
        self.second.unwrap_or_default()
    }

    pub(crate) fn of(&self, name: &str) -> Option<&History> {
        self.by_name.get(name)
    }

    /// Records the counts of all circuits at the end of a second. The first time only sets the starting
    /// point. A second is recorded once.
    pub(crate) fn note(&mut self, second: u64, circuits: &[Snapshot]) {
        let (is_first, missed) = match self.second.replace(second) {
            None => (true, 0),
            Some(last) if last < second => (false, second - last - 1),
            last => {
                self.second = last;
                return;
            }
        };
        self.forget_those_that_went(circuits);
        let steps = second / STEP - (second - missed).saturating_sub(1) / STEP;
        let mut timed = self.by_name.values().filter(|it| it.durations.is_some()).count();
        for circuit in circuits {
            let total = Point::total(circuit);
            let is_timed = circuit.config.settings().timings;
            if let Some(history) = self.by_name.get_mut(&circuit.name) {
                history.note(total, missed);
                match &mut history.durations {
                    Some(_) if !is_timed => history.durations = None,
                    Some(durations) if steps > 0 => durations.note(circuit, steps),
                    None if is_timed && timed < MOST_TIMED => {
                        history.durations = Some(Durations::of_the_past(circuit).into());
                        timed += 1;
                    }
                    _ => {}
                }
            } else if self.by_name.len() < MOST_CIRCUITS {
                let mut history = History::default();
                if is_first {
                    history.total = total;
                } else {
                    history.note(total, 0);
                }
                if is_timed && timed < MOST_TIMED {
                    let durations =
                        if is_first { Durations::of_the_past(circuit) } else { Durations::new() };
                    history.durations = Some(durations.into());
                    timed += 1;
                }
                self.by_name.insert(circuit.name.clone(), history);
            }
        }
    }

    /// The shared circuit takes over the totals of an evicted key. They are old calls.
    fn forget_those_that_went(&mut self, circuits: &[Snapshot]) {
        let place = |name: &str| circuits.binary_search_by(|it| it.name.as_str().cmp(name)).ok();
        let gone = self.by_name.keys().filter(|name| place(name).is_none());
        let gone: Vec<_> = gone.cloned().collect();
        for name in gone {
            let Some(history) = self.by_name.remove(&name) else { continue };
            let Some((shared, _)) = name.split_once('/') else { continue };
            let Some(mine) = self.by_name.get_mut(shared) else { continue };
            mine.total = mine.total.zip(history.total, u64::saturating_add);
            if let (Some(mine), Some(at)) = (&mut mine.durations, place(shared)) {
                mine.take_over(history.durations.as_deref(), &circuits[at]);
            }
        }
    }
}

/// Adds an item, and drops the oldest if there are that many.
pub(super) fn push<T>(queue: &mut VecDeque<T>, most: usize, item: T) {
    if queue.len() == most {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
mod tests {
    use breaker_runtime::{CircuitBreaker, Config};

    use super::*;

    fn circuit(name: &str) -> CircuitBreaker {
        CircuitBreaker::new(name, Config::new().failure_threshold(1000)).unwrap()
    }

    fn calls(circuit: &CircuitBreaker, good: usize, bad: usize) {
        (0..good).for_each(|_| circuit.try_acquire().unwrap().success());
        (0..bad).for_each(|_| circuit.try_acquire().unwrap().failure());
    }

    fn lines(histories: &Histories, name: &str) -> Lines {
        histories.of(name).unwrap().lines()
    }

    #[test]
    fn each_second_has_the_calls_that_ended_in_it() {
        let (mut histories, circuit) = (Histories::default(), circuit("a"));
        calls(&circuit, 7, 0);
        histories.note(1, &[circuit.snapshot()]);
        assert_eq!(lines(&histories, "a"), Lines::default(), "nobody knows when those were");

        calls(&circuit, 3, 1);
        drop(circuit.try_acquire());
        histories.note(2, &[circuit.snapshot()]);
        circuit.force_open();
        assert!(circuit.try_acquire().is_err());
        histories.note(3, &[circuit.snapshot()]);
        let expected = Lines { ok: vec![4, 0], failed: vec![1, 0], rejected: vec![0, 1] };
        assert_eq!(lines(&histories, "a"), expected);
        assert!((histories.of("a").unwrap().per_second() - 3.0).abs() < 1e-9);
        assert_eq!(histories.of("a").unwrap().last().as_array(), [0, 0, 1]);
    }

    #[test]
    fn a_circuit_that_is_made_later_has_done_everything_since() {
        let (mut histories, first, later) = (Histories::default(), circuit("a"), circuit("b"));
        histories.note(0, &[first.snapshot()]);
        calls(&later, 2, 0);
        histories.note(1, &[first.snapshot(), later.snapshot()]);
        assert_eq!(lines(&histories, "b").ok, [2]);
    }

    #[test]
    fn a_second_that_was_missed_is_empty_and_none_is_noted_twice() {
        let (mut histories, circuit) = (Histories::default(), circuit("a"));
        histories.note(1, &[circuit.snapshot()]);
        calls(&circuit, 1, 0);
        histories.note(4, &[circuit.snapshot()]);
        calls(&circuit, 5, 0);
        histories.note(4, &[circuit.snapshot()]);
        histories.note(3, &[circuit.snapshot()]);
        assert_eq!(lines(&histories, "a").ok, [0, 0, 1]);
        assert_eq!(histories.second(), 4);
    }

    #[test]
    fn a_minute_is_kept_however_long_nobody_looked() {
        let (mut histories, circuit) = (Histories::default(), circuit("a"));
        histories.note(1, &[circuit.snapshot()]);
        calls(&circuit, 1, 0);
        histories.note(u64::MAX, &[circuit.snapshot()]);
        let ok = lines(&histories, "a").ok;
        assert_eq!((ok.len(), ok[SECONDS - 1], ok.iter().sum::<u64>()), (SECONDS, 1, 1));
    }

    #[test]
    fn the_calls_of_a_key_that_went_are_not_those_of_the_second_in_which_it_went() {
        let (mut histories, shared, key) =
            (Histories::default(), circuit("hosts"), circuit("hosts/a"));
        histories.note(1, &[shared.snapshot(), key.snapshot()]);
        calls(&key, 100, 0);
        histories.note(2, &[shared.snapshot(), key.snapshot()]);
        calls(&shared, 101, 0); // it takes the hundred over, and has one of its own
        histories.note(3, &[shared.snapshot()]);
        assert_eq!(lines(&histories, "hosts").ok, [0, 1]);
        assert!(histories.of("hosts/a").is_none());
        // A new circuit of that name, which counts from zero.
        histories.note(4, &[shared.snapshot(), circuit("hosts/a").snapshot()]);
        assert_eq!(lines(&histories, "hosts/a").ok, [0]);
    }

    #[test]
    fn durations_are_noted_every_five_seconds_while_the_option_is_on() {
        let timed = CircuitBreaker::new("a", Config::new().timings(true)).unwrap();
        let (mut histories, other) = (Histories::default(), circuit("b"));
        let minute = |histories: &Histories| {
            let minute = histories.of("a").unwrap().minute();
            serde_json::to_value(minute).unwrap()["calls"].as_u64()
        };
        for second in 1..=9 {
            calls(&timed, 1, 0);
            histories.note(second, &[timed.snapshot(), other.snapshot()]);
        }
        assert_eq!(minute(&histories), Some(4), "those of the seconds 2 to 5");
        calls(&timed, 1, 0);
        histories.note(10, &[timed.snapshot(), other.snapshot()]);
        assert_eq!(minute(&histories), Some(9));
        assert!(histories.of("b").unwrap().durations.is_none());
        timed.reconfigure(Config::new()).unwrap();
        histories.note(11, &[timed.snapshot(), other.snapshot()]);
        assert!(histories.of("a").unwrap().durations.is_none());
    }

    #[test]
    fn the_number_of_circuits_with_durations_is_bounded() {
        let timed = CircuitBreaker::new("x", Config::new().timings(true)).unwrap();
        let mut all = vec![timed.snapshot(); MOST_TIMED + 9];
        for (at, snapshot) in all.iter_mut().enumerate() {
            snapshot.name = format!("{at:05}");
        }
        let mut histories = Histories::default();
        let count = |histories: &Histories| {
            histories.by_name.values().filter(|it| it.durations.is_some()).count()
        };
        histories.note(1, &all[..9]);
        histories.note(2, &all);
        assert_eq!(count(&histories), MOST_TIMED);
        histories.note(3, &all[9..]);
        assert_eq!(count(&histories), MOST_TIMED, "there was room again");
    }

    #[test]
    fn the_memory_for_histories_is_bounded() {
        let mut histories = Histories::default();
        let mut all = vec![circuit("x").snapshot(); MOST_CIRCUITS + 9];
        for (at, snapshot) in all.iter_mut().enumerate() {
            snapshot.name = format!("{at:05}");
        }
        histories.note(1, &all);
        histories.note(2, &all);
        assert_eq!(histories.by_name.len(), MOST_CIRCUITS);
        histories.note(3, &all[MOST_CIRCUITS..]);
        assert_eq!(histories.by_name.len(), 9, "there is room again");
    }
}
