//! The window of the last D of time, in ten buckets (R4).

use std::time::Duration;

use super::Tally;
use crate::rules::{Ended, Instant};

const BUCKETS: usize = 10;

/// Ten buckets. Their edges are counted from the circuit's creation, so neither a reading nor a change of state moves
/// them. A call is in the bucket of the time it ended, and leaves with it between 0.9 and 1.0 of the window later.
///
/// Good calls are counted outside, from zero in each epoch. A bucket stores the count at its beginning.
#[derive(Debug)]
pub(crate) struct TimeWindow {
    created: Instant,
    /// The length of a bucket in nanoseconds.
    bucket: u64,
    buckets: Box<[Bucket; BUCKETS]>,
    /// The number of the latest bucket, from the creation; `None` before the first call.
    newest: Option<u64>,
    /// The count of good calls at the last bad one.
    good_before: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    good_before: u64,
    bad: Tally,
}

impl TimeWindow {
    pub(crate) fn new(length: Duration, created: Instant) -> Self {
        let bucket = length.as_nanos() / BUCKETS as u128;
        let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
        Self { created, bucket, buckets: Box::default(), newest: None, good_before: 0 }
    }

    /// An empty window that begins with this count of good calls.
    pub(crate) fn after(good: u64, length: Duration, created: Instant) -> Self {
        Self { good_before: good, ..Self::new(length, created) }
    }

    /// Changes the length (R24). A call counts as old as its bucket. So none stays longer than the new length, and
    /// one may leave earlier by up to an old bucket.
    pub(crate) fn refit(&mut self, length: Duration, good: u64, now: Instant) {
        let old = std::mem::replace(self, Self::new(length, self.created));
        self.good_before = old.good_before;
        let Some(newest) = old.newest else { return };
        let (number, last) = (self.number(now), old.number(now).max(newest));
        self.newest = Some(number);
        self.buckets.fill(Bucket { good_before: good, bad: Tally::default() });
        // From the newest, so that each new bucket has the good calls that the oldest of its old ones had before.
        let oldest = last.saturating_sub(BUCKETS as u64 - 1);
        let oldest_kept = number.saturating_sub(BUCKETS as u64 - 1);
        for bucket in (oldest..=newest).rev() {
            let Bucket { good_before, bad } = old.buckets[slot(bucket)];
            let begins = old.created.after(Duration::from_nanos(old.bucket.saturating_mul(bucket)));
            let place = self.number(begins).min(number);
            if place < oldest_kept {
                break;
            }
            for earlier in oldest_kept..=place {
                self.buckets[slot(earlier)].good_before = good_before;
            }
            let tally = &mut self.buckets[slot(place)].bad;
            *tally = tally.and(bad);
        }
    }

    /// Moves on to the bucket of `now`, which begins with this count of good calls.
    pub(crate) fn turn(&mut self, good: u64, now: Instant) {
        let number = self.number(now);
        let empty = Bucket { good_before: good, bad: Tally::default() };
        let passed = self.newest.map_or(u64::MAX, |newest| number.saturating_sub(newest));
        if passed >= BUCKETS as u64 {
            self.buckets.fill(empty);
        } else {
            (0..passed).for_each(|back| self.buckets[slot(number - back)] = empty);
        }
        self.newest = self.newest.max(Some(number));
    }

    /// The end of the newest bucket. A call after it has to turn first.
    pub(crate) fn edge(&self) -> Instant {
        let end = |newest: u64| self.bucket.saturating_mul(newest.saturating_add(1));
        self.newest
            .map_or(Instant::ZERO, |newest| self.created.after(Duration::from_nanos(end(newest))))
    }

    /// Records a bad call.
    pub(crate) fn record(&mut self, call: Ended, good: u64, now: Instant) {
        self.turn(good, now);
        let newest = &mut self.buckets[slot(self.newest.unwrap_or_default())].bad;
        *newest = newest.with(call, 1);
        self.good_before = good;
    }

    /// Whether there were good calls since the last bad one.
    pub(crate) fn has_good_since(&self, good: u64) -> bool {
        good > self.good_before
    }

    /// The counts of the window, with this count of good calls.
    pub(crate) fn tally(&self, good: u64, now: Instant) -> Tally {
        let Some(newest) = self.newest else { return Tally::default() };
        let number = self.number(now).max(newest);
        let oldest = number.saturating_sub(BUCKETS as u64 - 1);
        let mut tally = Tally::default();
        if oldest <= newest {
            tally.calls = good.saturating_sub(self.buckets[slot(oldest)].good_before);
        }
        for number in oldest..=newest {
            let bad = self.buckets[slot(number)].bad;
            tally.calls = tally.calls.saturating_add(bad.calls);
            tally.failed += bad.failed;
            tally.slow += bad.slow;
        }
        tally
    }

    fn number(&self, now: Instant) -> u64 {
        now.as_nanos().saturating_sub(self.created.as_nanos()) / self.bucket
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is less than ten")]
fn slot(number: u64) -> usize {
    (number % BUCKETS as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::rules::Ending;

    const SECOND: Duration = Duration::from_secs(1);
    const GOOD: Ended = Ended { ending: Ending::Success, slow: false };
    const FAILED: Ended = Ended { ending: Ending::Failure, slow: false };

    /// A window, and the good calls that are counted around it.
    struct Counted {
        window: TimeWindow,
        good: u64,
    }

    impl Counted {
        fn new(length: Duration, created: Instant) -> Self {
            Self { window: TimeWindow::new(length, created), good: 0 }
        }

        fn record(&mut self, call: Ended, now: Instant) {
            if call == GOOD {
                if now >= self.window.edge() {
                    self.window.turn(self.good, now);
                }
                self.good += 1;
            } else {
                self.window.record(call, self.good, now);
            }
        }

        fn tally(&self, now: Instant) -> Tally {
            self.window.tally(self.good, now)
        }
    }

    fn at(nanos: u64) -> Instant {
        Instant::ZERO.after(Duration::from_nanos(nanos))
    }

    #[test]
    fn r04_a_call_leaves_when_its_bucket_is_ten_buckets_old() {
        let mut window = Counted::new(SECOND, at(7));
        window.record(FAILED, at(7 + 99_999_999));
        assert_eq!(window.tally(at(7 + 999_999_999)).failed, 1);
        assert_eq!(window.tally(at(7 + 1_000_000_000)), Tally::default());
    }

    #[test]
    fn r04_a_call_at_an_edge_is_in_the_later_bucket() {
        let mut window = Counted::new(SECOND, at(0));
        window.record(GOOD, at(100_000_000));
        assert_eq!(window.tally(at(1_099_999_999)).calls, 1);
        assert_eq!(window.tally(at(1_100_000_000)).calls, 0);
    }

    #[test]
    fn r04_good_calls_from_before_the_first_are_not_in_the_window() {
        let mut window = Counted { good: 1_000, ..Counted::new(SECOND, at(0)) };
        assert_eq!(window.tally(at(5)).calls, 0);
        window.record(GOOD, at(5));
        assert_eq!(window.tally(at(950_000_000)).calls, 1);
        window.record(FAILED, at(950_000_000));
        assert_eq!(window.tally(at(950_000_000)).calls, 2);
        assert_eq!(window.tally(at(1_000_000_000)).calls, 1);
    }

    #[test]
    fn r04_idle_time_of_any_length_empties_the_window_at_once() {
        let mut window = Counted::new(Duration::from_millis(10), at(0));
        window.record(FAILED, at(1));
        let centuries = Instant::ZERO.after(SECOND * 86_400 * 365 * 500);
        assert_eq!(window.tally(centuries), Tally::default());
        window.record(GOOD, centuries);
        assert_eq!(window.tally(centuries), Tally { calls: 1, failed: 0, slow: 0 });
    }

    #[test]
    fn r04_a_window_of_all_time_never_forgets() {
        let mut window = Counted::new(Duration::MAX, at(0));
        window.record(FAILED, at(0));
        assert_eq!(window.tally(Instant::NEVER).failed, 1);
    }

    #[test]
    fn x02_more_calls_than_can_be_counted_are_as_many_as_can() {
        let mut window = Counted::new(Duration::MAX, at(0));
        window.record(GOOD, at(0));
        window.good = u64::MAX;
        for _ in 0..2 {
            window.record(FAILED, at(1));
        }
        assert_eq!(window.tally(at(1)), Tally { calls: u64::MAX, failed: 2, slow: 0 });
        let next = window.tally(at(1)).with(FAILED, 1);
        assert_eq!(next, Tally { calls: u64::MAX, failed: 3, slow: 0 });
    }

    #[test]
    fn k04_a_clock_that_goes_back_stays_in_the_newest_bucket() {
        let mut window = Counted::new(SECOND, at(0));
        window.record(FAILED, at(950_000_000));
        window.record(FAILED, at(1));
        assert_eq!(window.tally(at(1)).failed, 2);
        assert_eq!(window.tally(at(1_899_999_999)).failed, 2);
        assert_eq!(window.tally(at(1_900_000_000)).failed, 0);
    }

    proptest! {
        /// S11: every call is counted as long as its bucket is one of the last ten, and no longer.
        #[test]
        fn s11_the_window_agrees_with_a_list_of_all_calls(
            steps in prop::collection::vec((0_u64..400, any::<bool>(), any::<bool>()), 1..200),
        ) {
            let mut window = Counted::new(Duration::from_nanos(1_005), at(3));
            let mut calls = VecDeque::new();
            let mut now = 3;
            for (passes, failed, slow) in steps {
                now += passes;
                let ending = if failed { Ending::Failure } else { Ending::Success };
                window.record(Ended { ending, slow }, at(now));
                calls.push_back(((now - 3) / 100, failed, slow));
                let lives = |number: &u64| number + 9 >= (now - 3) / 100;
                let alive = || calls.iter().filter(|(number, ..)| lives(number));
                let tally = window.tally(at(now));
                prop_assert_eq!(tally.calls, alive().count() as u64);
                prop_assert_eq!(tally.failed, alive().filter(|(_, failed, _)| *failed).count() as u64);
                prop_assert_eq!(tally.slow, alive().filter(|(.., slow)| *slow).count() as u64);
            }
        }
    }
}
