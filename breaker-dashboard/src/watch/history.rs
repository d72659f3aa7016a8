//! What calls did in the last seconds and minutes. Pure: seconds are numbers, and the caller reads the clock.
//!
//! *Why it exists:* a circuit only counts up, because that costs nothing. Rates and charts are computed here,
//! from differences.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use breaker_runtime::{Snapshot, State};
use serde::Serialize;

use super::bucket::{Bucket, Buckets, push, worse};
use super::durations::{Durations, Minute, STEP, Strip};
use super::mark::Mark;
use super::shape::{Shape, Stepped};

/// How many seconds "per second" is averaged over.
const RECENT: usize = 10;
/// How many circuits have a history. Later ones have none. Each takes 3.4 KiB, and 65 KiB more with durations.
const MOST_CIRCUITS: usize = 10_000;
/// How many circuits have durations.
const MOST_TIMED: usize = 500;
/// How many marks a circuit has.
const MOST_MARKS: usize = 12;

/// A number of calls: ended without failing, failed, or refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Point {
    /// Success, ignored or cancelled.
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

    fn plus(self, other: Self) -> Self {
        self.zip(other, u64::saturating_add)
    }

    fn in_state(self, state: Option<State>) -> Bucket {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let Self { ok, failed, rejected } = self;
        Bucket { ok: count(ok), failed: count(failed), rejected: count(rejected), state }
    }

    fn sum(self) -> u64 {
        self.ok.saturating_add(self.failed).saturating_add(self.rejected)
    }

    pub(crate) fn as_array(self) -> [u64; 3] {
        [self.ok, self.failed, self.rejected]
    }
}

impl From<Bucket> for Point {
    fn from(bucket: Bucket) -> Self {
        let Bucket { ok, failed, rejected, .. } = bucket;
        Self { ok: ok.into(), failed: failed.into(), rejected: rejected.into() }
    }
}

/// How long a history is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Minute,
    Quarter,
    Hour,
}

impl Span {
    pub(crate) const ALL: [Self; 3] = [Self::Minute, Self::Quarter, Self::Hour];

    /// The seconds of one bucket.
    pub(crate) const fn step(self) -> u64 {
        match self {
            Self::Minute => 1,
            Self::Quarter => 15,
            Self::Hour => 60,
        }
    }

    /// The span of that many minutes.
    pub(crate) fn of_minutes(minutes: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.minutes() == minutes)
    }

    /// The minutes that it covers. Every span has 60 buckets.
    pub(crate) const fn minutes(self) -> u64 {
        self.step()
    }

    const fn index(self) -> usize {
        match self {
            Self::Minute => 0,
            Self::Quarter => 1,
            Self::Hour => 2,
        }
    }
}

/// The last hour of one circuit.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    total: Point,
    spans: [Buckets; 3],
    /// The sum of the last minute.
    minute: Point,
    /// The worst state since the last second.
    passed: Option<State>,
    marks: VecDeque<Mark>,
    /// Only of a circuit with `timings`.
    durations: Option<Box<Durations>>,
}

/// As lists, which are shorter than a list of objects.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Lines {
    pub(crate) ok: Vec<u32>,
    pub(crate) failed: Vec<u32>,
    pub(crate) rejected: Vec<u32>,
}

impl History {
    fn note(&mut self, total: Point, state: State, before: Option<u64>, second: u64) {
        // A new circuit of the same name has counted from zero.
        let since = |now: u64, before: u64| if now < before { now } else { now - before };
        let state = worse(self.passed.take(), Some(state));
        let bucket = total.zip(self.total, since).in_state(state);
        for (buckets, span) in self.spans.iter_mut().zip(Span::ALL) {
            buckets.note(span.step(), before, second, bucket);
        }
        let all = self.spans[0].iter().copied().map(Point::from);
        self.minute = all.fold(Point::default(), Point::plus);
        self.total = total;
    }

    /// How long the successes of the last minute took.
    pub(crate) fn durations_of_minute(&self) -> Option<Minute> {
        self.durations.as_ref()?.minute()
    }

    /// How long all calls of the last minutes took.
    pub(crate) fn strip(&self, slow_call: Option<Duration>) -> Option<Strip> {
        self.durations.as_ref()?.strip(slow_call)
    }

    /// The calls of the last second.
    pub(crate) fn last(&self) -> Point {
        self.spans[0].iter().next_back().copied().map(Point::from).unwrap_or_default()
    }

    /// The calls of the last minute.
    pub(crate) fn minute(&self) -> Point {
        self.minute
    }

    /// The calls of the last seconds, and how many seconds those are, at least 1.
    fn recent(&self) -> (Point, usize) {
        let seconds = self.spans[0].iter().rev().take(RECENT);
        let count = seconds.len().max(1);
        (seconds.copied().map(Point::from).fold(Point::default(), Point::plus), count)
    }

    /// The recent rates.
    pub(crate) fn rates(&self) -> Rates {
        let (calls, seconds) = self.recent();
        #[allow(clippy::cast_precision_loss, reason = "a rate that people read")]
        let rate = |calls: u64| calls as f64 / seconds as f64;
        Rates { all: rate(calls.sum()), failed: rate(calls.failed), rejected: rate(calls.rejected) }
    }

    /// The recent rate of calls that failed or were refused, in thousandths of a call per second.
    pub(crate) fn not_served(&self) -> u64 {
        let (calls, seconds) = self.recent();
        calls.failed.saturating_add(calls.rejected).saturating_mul(1_000) / seconds as u64
    }

    pub(crate) fn shape(&self, span: Span) -> Shape {
        Shape::from(&self.spans[span.index()])
    }

    /// The histories of all spans, by their minutes.
    pub(crate) fn shapes(&self) -> BTreeMap<u64, Stepped> {
        let stepped = |span: Span| Stepped { step: span.step(), shape: self.shape(span) };
        Span::ALL.into_iter().map(|span| (span.minutes(), stepped(span))).collect()
    }

    /// When settings changed, oldest first.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        self.marks.iter().cloned().collect()
    }

    pub(crate) fn lines(&self) -> Lines {
        let line = |of: fn(&Bucket) -> u32| self.spans[0].iter().map(of).collect();
        Lines {
            ok: line(|it| it.ok),
            failed: line(|it| it.failed),
            rejected: line(|it| it.rejected),
        }
    }
}

/// Calls per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    /// That ended or were refused.
    pub(crate) all: f64,
    pub(crate) failed: f64,
    pub(crate) rejected: f64,
}

/// The histories of all circuits, by name.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    /// The last second that is recorded.
    second: Option<u64>,
    /// The calls of all circuits in the last minute.
    minute: Point,
    by_name: HashMap<String, History>,
}

impl Histories {
    pub(crate) fn second(&self) -> u64 {
        self.second.unwrap_or_default()
    }

    /// The calls of all circuits in the last minute.
    pub(crate) fn minute(&self) -> Point {
        self.minute
    }

    pub(crate) fn of(&self, name: &str) -> Option<&History> {
        self.by_name.get(name)
    }

    /// Records that a circuit was in a state, perhaps between two seconds only.
    pub(crate) fn pass(&mut self, name: &str, state: State) {
        if let Some(history) = self.by_name.get_mut(name) {
            history.passed = worse(history.passed, Some(state));
        }
    }

    pub(crate) fn mark(&mut self, name: &str, mark: Mark) {
        if let Some(history) = self.by_name.get_mut(name) {
            push(&mut history.marks, MOST_MARKS, mark);
        }
    }

    /// Records the counts of all circuits at the end of a second. The first time only sets the starting
    /// point. A second is recorded once.
    pub(crate) fn note(&mut self, second: u64, circuits: &[Snapshot]) {
        let before = match self.second.replace(second) {
            None => None,
            Some(last) if last < second => Some(last),
            last => {
                self.second = last;
                return;
            }
        };
        self.forget_those_that_went(circuits);
        let steps = before.map_or(0, |before| second / STEP - before / STEP);
        let mut timed = self.by_name.values().filter(|it| it.durations.is_some()).count();
        for circuit in circuits {
            let total = Point::total(circuit);
            let is_timed = circuit.config.settings().timings;
            if let Some(history) = self.by_name.get_mut(&circuit.name) {
                history.note(total, circuit.state, before, second);
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
                if before.is_none() {
                    history.total = total;
                } else {
                    history.note(total, circuit.state, None, second);
                }
                if is_timed && timed < MOST_TIMED {
                    let durations = match before {
                        None => Durations::of_the_past(circuit),
                        Some(_) => Durations::new(),
                    };
                    history.durations = Some(durations.into());
                    timed += 1;
                }
                self.by_name.insert(circuit.name.clone(), history);
            }
        }
        let minutes = self.by_name.values().map(History::minute);
        self.minute = minutes.fold(Point::default(), Point::plus);
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

#[cfg(test)]
mod tests {
    use breaker_runtime::{CircuitBreaker, Config};

    use super::*;
    use crate::watch::bucket::BUCKETS;

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
        assert!((histories.of("a").unwrap().rates().all - 3.0).abs() < 1e-9);
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
        assert_eq!((ok.len(), ok[BUCKETS - 1], ok.iter().sum::<u32>()), (BUCKETS, 1, 1));
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
            let minute = histories.of("a").unwrap().durations_of_minute();
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
    fn a_history_takes_the_memory_that_its_limit_says() {
        let (mut histories, circuit) = (Histories::default(), circuit("a"));
        for second in 1..=8_000 {
            histories.note(second, &[circuit.snapshot()]);
        }
        let history = histories.of("a").unwrap();
        let buckets: usize = history.spans.iter().map(Buckets::bytes).sum();
        assert_eq!(history.spans.each_ref().map(|span| span.iter().len()), [BUCKETS; 3]);
        let bytes = buckets + size_of::<History>() + size_of::<String>();
        assert!((3_000..3_482).contains(&bytes), "{bytes}");
    }

    #[test]
    fn the_marks_of_a_circuit_are_the_newest() {
        let (mut histories, circuit) = (Histories::default(), circuit("a"));
        histories.note(1, &[circuit.snapshot()]);
        for number in 1..=20 {
            histories.mark("a", Mark::of_order(Duration::from_secs(number), "observe"));
        }
        histories.mark("unknown", Mark::of_order(Duration::ZERO, "observe"));
        let marks = histories.of("a").unwrap().marks();
        assert_eq!(marks.len(), MOST_MARKS);
        assert_eq!(marks[11], Mark::of_order(Duration::from_secs(20), "observe"));
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
