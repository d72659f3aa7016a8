//! Calls and states over steps of time, each step in a bucket. Pure: seconds are numbers.

use std::collections::VecDeque;

use breaker_runtime::State;

/// The number of buckets of every history.
pub(crate) const BUCKETS: usize = 60;

/// Calls that ended or were refused in one step of time, and the worst state in it.
///
/// It takes 16 bytes, because three histories of 60 are kept for every circuit. A count saturates at four thousand
/// million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Ended without failing: success, ignored or cancelled.
    pub(crate) ok: u32,
    pub(crate) failed: u32,
    pub(crate) rejected: u32,
    /// `None` while nobody watched.
    pub(crate) state: Option<State>,
}

impl Bucket {
    pub(crate) fn add(&mut self, other: Self) {
        self.ok = self.ok.saturating_add(other.ok);
        self.failed = self.failed.saturating_add(other.failed);
        self.rejected = self.rejected.saturating_add(other.rejected);
        self.state = worse(self.state, other.state);
    }
}

/// The worse of two states: the one that refuses more.
pub(crate) fn worse(one: Option<State>, other: Option<State>) -> Option<State> {
    let badness = |state: &Option<State>| match state {
        None => 0,
        Some(State::Closed) => 1,
        Some(State::Disabled) => 2,
        Some(State::Recovering) => 3,
        Some(State::HalfOpen) => 4,
        Some(State::Open) => 5,
        // Forced open, and any state that is newer than this file.
        Some(_) => 6,
    };
    std::cmp::max_by_key(other, one, badness)
}

/// The buckets of the last time, oldest first. They begin at multiples of their step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets(VecDeque<Bucket>);

impl Buckets {
    /// Adds the calls of `second`. `before` is the last second that was added, if any.
    ///
    /// The seconds between the two were missed: nobody knows the state in them.
    pub(crate) fn note(&mut self, step: u64, before: Option<u64>, second: u64, bucket: Bucket) {
        let place = |second: u64| second.saturating_sub(1) / step;
        let steps = before.map_or(1, |before| place(second).saturating_sub(place(before)));
        match self.0.back_mut() {
            Some(last) if steps == 0 => last.add(bucket),
            _ => {
                for _ in 1..steps.min(BUCKETS as u64 + 1) {
                    push(&mut self.0, BUCKETS, Bucket::default());
                }
                push(&mut self.0, BUCKETS, bucket);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Bucket>()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Bucket> + ExactSizeIterator {
        self.0.iter()
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
    use super::*;

    fn ok(count: u32) -> Bucket {
        Bucket { ok: count, state: Some(State::Closed), ..Bucket::default() }
    }

    fn counts(buckets: &Buckets) -> Vec<u32> {
        buckets.iter().map(|bucket| bucket.ok).collect()
    }

    #[test]
    fn a_bucket_has_the_seconds_of_its_step() {
        let mut buckets = Buckets::default();
        for second in 14..=31 {
            let before = (second > 14).then(|| second - 1);
            buckets.note(15, before, second, ok(1));
        }
        assert_eq!(counts(&buckets), [2, 15, 1], "14 and 15, 16 to 30, 31");
    }

    #[test]
    fn seconds_that_were_missed_are_empty_and_of_unknown_state() {
        let mut buckets = Buckets::default();
        buckets.note(15, None, 15, ok(1));
        buckets.note(15, Some(15), 50, ok(2));
        assert_eq!(counts(&buckets), [1, 0, 0, 2]);
        let unknown = buckets.iter().map(|bucket| bucket.state.is_none());
        assert_eq!(unknown.collect::<Vec<_>>(), [false, true, true, false]);
        buckets.note(15, Some(50), 1_000_000_000, ok(3));
        assert_eq!((counts(&buckets).len(), counts(&buckets)[59]), (BUCKETS, 3));
        assert_eq!(counts(&buckets)[..59], [0; 59]);
    }

    #[test]
    fn the_state_of_a_bucket_is_the_worst_in_it() {
        let mut all = Bucket::default();
        let states =
            [State::Closed, State::Disabled, State::Recovering, State::HalfOpen, State::Open];
        for state in states.into_iter().chain([State::ForcedOpen]) {
            all.add(Bucket { state: Some(state), ..Bucket::default() });
            assert_eq!(all.state, Some(state));
            all.add(ok(1));
            assert_eq!(all.state, Some(state), "closed is no worse");
        }
    }

    #[test]
    fn a_bucket_takes_sixteen_bytes_and_saturates() {
        assert_eq!(size_of::<Bucket>(), 16);
        let mut full = ok(u32::MAX);
        full.add(ok(1));
        assert_eq!(full.ok, u32::MAX);
    }
}
