//! How long the calls of the last minutes took. Pure: the caller says when a step of time is over.
//!
//! *Why it exists:* a circuit with `timings` only counts up, from when it was made. A person wants to know how it is
//! now. That is a difference of two readings, so some readings are kept.

use std::collections::VecDeque;
use std::time::Duration;

use breaker_runtime::{Snapshot, Timings};
use serde::Serialize;

use super::bucket::push;

/// The seconds between two readings.
pub(crate) const STEP: u64 = 5;
/// The columns of the strip: five minutes.
const COLUMNS: usize = 60;
/// The readings of the last minute. Each takes 5 KiB, or nothing if no call ended since the one before.
const READINGS: usize = 12;
/// One for each bound, and one for what takes longer.
const BUCKETS: usize = Timings::BOUNDS.len() + 1;

/// The durations of one circuit.
#[derive(Clone, Debug)]
pub(crate) struct Durations {
    /// Successes so far at the end of each step, oldest first. `None` is no success.
    readings: VecDeque<Option<Timings>>,
    minute: Option<Minute>,
    /// All calls so far.
    total: Column,
    columns: VecDeque<Column>,
}

/// How long the successes of the last minute took, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Minute {
    calls: u64,
    p50: f64,
    p95: f64,
    p99: f64,
}

impl Minute {
    fn of(timings: &Timings) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
        let seconds = |it: Duration| it.as_micros() as f64 / 1e6;
        let Timings { count, p50, p95, p99, .. } = timings;
        Self { calls: *count, p50: seconds(*p50), p95: seconds(*p95), p99: seconds(*p99) }
    }
}

/// Calls by how long they took.
type Column = [u64; BUCKETS];

/// The calls of the last minutes by how long they took, from the shortest bucket that is not empty to the longest.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Strip {
    step: u64,
    /// The lower bound of the first bucket.
    from: f64,
    /// The upper bounds. What takes longer than all of them has none.
    bounds: Vec<Option<f64>>,
    /// A list for each step, oldest first.
    calls: Vec<Vec<u64>>,
}

impl Durations {
    /// A circuit whose calls so far ended at times that nobody knows.
    pub(crate) fn of_the_past(circuit: &Snapshot) -> Self {
        Self {
            readings: VecDeque::from([circuit.timings.clone()]),
            minute: None,
            total: total(circuit),
            columns: VecDeque::new(),
        }
    }

    /// A circuit that was made just now.
    pub(crate) fn new() -> Self {
        let readings = VecDeque::from([None]);
        Self { readings, minute: None, total: [0; BUCKETS], columns: VecDeque::new() }
    }

    /// Moves on by that many steps. All but the last were missed, and the last holds what happened in them.
    pub(crate) fn note(&mut self, circuit: &Snapshot, steps: u64) {
        let total = total(circuit);
        if total.iter().zip(self.total).any(|(now, before)| *now < before) {
            // A new circuit of the same name.
            (self.readings, self.total) = (VecDeque::from([None]), [0; BUCKETS]);
        }
        for _ in 1..steps.min(COLUMNS as u64) {
            push(&mut self.columns, COLUMNS, [0; BUCKETS]);
            let same = self.readings.back().cloned().flatten();
            push(&mut self.readings, READINGS, same);
        }
        push(
            &mut self.columns,
            COLUMNS,
            std::array::from_fn(|bucket| total[bucket] - self.total[bucket]),
        );
        self.total = total;
        let now = circuit.timings.as_ref();
        let recent = now.and_then(|now| match self.readings.front() {
            Some(Some(then)) => now.since(then),
            _ => Some(now.clone()),
        });
        self.minute = recent.as_ref().map(Minute::of);
        // The copy of a reading that is the same costs nothing.
        let last = self.readings.back().cloned().flatten();
        let calls = |reading: &Option<Timings>| reading.as_ref().map(|it| it.count);
        let now = now.cloned();
        push(&mut self.readings, READINGS, if calls(&last) == calls(&now) { last } else { now });
    }

    /// The circuit, which is `now` like this, took over the calls of an evicted key. They are old, and nobody knows how
    /// they change percentiles.
    pub(crate) fn take_over(&mut self, gone: Option<&Self>, now: &Snapshot) {
        match gone {
            Some(gone) => {
                for (mine, other) in self.total.iter_mut().zip(gone.total) {
                    *mine = mine.saturating_add(other);
                }
            }
            None => self.total = total(now),
        }
        (self.readings, self.minute) = (VecDeque::from([now.timings.clone()]), None);
    }

    pub(crate) fn minute(&self) -> Option<Minute> {
        self.minute
    }

    /// `None` if no call ended in the last minutes. The bucket of `slow_call` is among the others.
    pub(crate) fn strip(&self, slow_call: Option<Duration>) -> Option<Strip> {
        let is_used = |bucket: &usize| self.columns.iter().any(|column| column[*bucket] > 0);
        let used = (0..BUCKETS).filter(is_used);
        let (first, last) = (used.clone().min()?, used.max()?);
        let slow = slow_call.map(bucket_of);
        let first = slow.map_or(first, |slow| first.min(slow));
        let last = slow.map_or(last, |slow| last.max(slow));
        let bound = |bucket: usize| Timings::BOUNDS.get(bucket).map(Duration::as_secs_f64);
        Some(Strip {
            step: STEP,
            from: first.checked_sub(1).and_then(bound).unwrap_or_default(),
            bounds: (first..=last).map(bound).collect(),
            calls: self.columns.iter().map(|column| column[first..=last].to_vec()).collect(),
        })
    }
}

fn bucket_of(duration: Duration) -> usize {
    Timings::BOUNDS.iter().take_while(|bound| **bound < duration).count()
}

/// All calls so far, successes and failures, by how long they took.
fn total(circuit: &Snapshot) -> Column {
    let mut column = [0; BUCKETS];
    for timings in [&circuit.timings, &circuit.failure_timings].into_iter().flatten() {
        let mut shorter = 0;
        for (calls, (_, at_most)) in column.iter_mut().zip(timings.cumulative()) {
            *calls += at_most - shorter;
            shorter = at_most;
        }
    }
    column
}

#[cfg(test)]
mod tests {
    use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};

    use super::*;

    const MILLIS: Duration = Duration::from_millis(1);

    struct Timed {
        circuit: CircuitBreaker,
        time: ManualClock,
    }

    impl Timed {
        fn new() -> Self {
            let time = ManualClock::new();
            let config = Config::new().timings(true).failure_threshold(1_000);
            let clock = Clock::Manual(time.clone());
            Self { circuit: CircuitBreaker::with_clock("timed", config, clock).unwrap(), time }
        }

        fn call(&self, times: u32, takes: Duration) -> &Self {
            for _ in 0..times {
                let permit = self.circuit.try_acquire().unwrap();
                self.time.advance(takes);
                permit.success();
            }
            self
        }

        fn fail(&self, takes: Duration) -> &Self {
            let permit = self.circuit.try_acquire().unwrap();
            self.time.advance(takes);
            permit.failure();
            self
        }

        fn snapshot(&self) -> Snapshot {
            self.circuit.snapshot()
        }
    }

    fn is_about(shown: f64, real: Duration) -> bool {
        (real.as_secs_f64()..real.as_secs_f64() * 1.07).contains(&shown)
    }

    #[test]
    fn the_last_minute_has_neither_older_calls_nor_failures() {
        let timed = Timed::new();
        timed.call(1_000, MILLIS * 900);
        let mut durations = Durations::of_the_past(&timed.snapshot());
        assert_eq!(durations.minute(), None);
        timed.call(98, MILLIS * 10).call(2, MILLIS * 200).fail(MILLIS * 5_000);
        durations.note(&timed.snapshot(), 1);
        let minute = durations.minute().unwrap();
        assert_eq!(minute.calls, 100);
        assert!(
            is_about(minute.p50, MILLIS * 10) && is_about(minute.p95, MILLIS * 10),
            "{minute:?}"
        );
        assert!(is_about(minute.p99, MILLIS * 200), "{minute:?}");

        timed.call(1, MILLIS * 10);
        for _ in 0..READINGS - 1 {
            durations.note(&timed.snapshot(), 1);
        }
        assert_eq!(durations.minute().unwrap().calls, 101, "a minute is not over");
        durations.note(&timed.snapshot(), 1);
        assert_eq!(durations.minute().unwrap().calls, 1);
        durations.note(&timed.snapshot(), 1);
        assert_eq!(durations.minute(), None, "nobody calls any more");
        assert_eq!(durations.readings.len(), READINGS);
    }

    #[test]
    fn a_new_circuit_has_done_everything_since() {
        let timed = Timed::new();
        let mut durations = Durations::new();
        durations.note(&timed.snapshot(), 1);
        assert_eq!((durations.minute(), durations.strip(None)), (None, None));
        durations.note(&timed.call(3, MILLIS).snapshot(), 1);
        assert_eq!(durations.minute().unwrap().calls, 3);
    }

    #[test]
    fn the_strip_goes_from_the_shortest_calls_to_the_longest_and_has_slow_call_in_it() {
        let timed = Timed::new();
        let mut durations = Durations::new();
        durations.note(&timed.call(2, MILLIS * 7).fail(MILLIS * 30).snapshot(), 1);
        durations.note(&timed.call(1, MILLIS * 20).snapshot(), 2);
        let strip = durations.strip(None).unwrap();
        let expected = Strip {
            step: 5,
            from: 0.005,
            bounds: vec![Some(0.01), Some(0.025), Some(0.05)],
            calls: vec![vec![2, 0, 1], vec![0, 0, 0], vec![0, 1, 0]],
        };
        assert_eq!(strip, expected);
        let strip = durations.strip(Some(MILLIS * 80)).unwrap();
        assert_eq!((strip.bounds.len(), strip.bounds[3]), (4, Some(0.1)));
        assert!((durations.strip(Some(MILLIS)).unwrap().from - 0.0005).abs() < 1e-9);
        let strip = durations.strip(Some(Duration::from_secs(60))).unwrap();
        assert_eq!(strip.bounds.last(), Some(&None), "nothing is longer");
    }

    #[test]
    fn a_circuit_of_the_same_name_begins_anew() {
        let mut durations = Durations::new();
        durations.note(&Timed::new().call(9, MILLIS).snapshot(), 1);
        durations.note(&Timed::new().call(2, MILLIS).snapshot(), 1);
        assert_eq!(durations.minute().unwrap().calls, 2);
        assert_eq!(durations.strip(None).unwrap().calls, [[9], [2]]);
    }

    #[test]
    fn the_calls_of_an_evicted_key_are_not_those_of_the_circuit_that_keys_share() {
        let [shared, key] = [Timed::new(), Timed::new()];
        let (mut mine, mut gone) = (Durations::new(), Durations::new());
        gone.note(&key.call(50, MILLIS).snapshot(), 1);
        mine.note(&shared.call(1, MILLIS).snapshot(), 1);
        shared.call(50, MILLIS); // those of the key
        mine.take_over(Some(&gone), &shared.snapshot());
        mine.note(&shared.call(3, MILLIS).snapshot(), 1);
        assert_eq!(mine.minute().unwrap().calls, 3);
        assert_eq!(mine.strip(None).unwrap().calls, [[1], [3]]);
        shared.call(50, MILLIS); // those of a key that had no durations
        mine.take_over(None, &shared.snapshot());
        mine.note(&shared.call(2, MILLIS).snapshot(), 1);
        assert_eq!(mine.strip(None).unwrap().calls, [[1], [3], [2]]);
    }

    #[test]
    fn what_is_kept_is_bounded_however_long_nobody_looked() {
        let timed = Timed::new();
        let mut durations = Durations::new();
        durations.note(&timed.call(1, MILLIS).snapshot(), u64::MAX);
        assert_eq!((durations.columns.len(), durations.readings.len()), (COLUMNS, READINGS));
        assert_eq!(durations.strip(None).unwrap().calls[COLUMNS - 1], [1]);
    }
}
