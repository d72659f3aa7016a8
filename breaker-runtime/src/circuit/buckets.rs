//! Buckets of time, as `HdrHistogram` lays them out (<http://hdrhistogram.org>): sixteen for each doubling, so no bucket is
//! wider than 6.25 % of what is in it. A bucket keeps the first five binary digits of a time in nanoseconds, and how many
//! follow.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};

/// Of the first five digits, the first is always 1. The others have sixteen values.
const DIGITS: u32 = 4;
const PER_DOUBLING: u64 = 1 << DIGITS;
/// 2^42 ns are 73 minutes. Longer times are in the last bucket.
const LONGEST: u64 = (1 << 42) - 1;
const BUCKETS: usize = index_of(LONGEST) + 1;

#[expect(clippy::cast_possible_truncation, reason = "the longest time has a small index")]
const fn index_of(nanos: u64) -> usize {
    // Below sixteen there are fewer digits than five, and each time has a bucket of its own.
    let digits_left = (nanos | PER_DOUBLING).ilog2() - DIGITS;
    (digits_left as u64 * PER_DOUBLING + (nanos >> digits_left)) as usize
}

/// The calls of one bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// The shortest and the longest time that is in it, in nanoseconds.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) calls: u64,
}

impl Bucket {
    fn at(index: usize, calls: u64) -> Self {
        let index = index as u64;
        let digits_left = (index / PER_DOUBLING).saturating_sub(1);
        let start = (index - digits_left * PER_DOUBLING) << digits_left;
        Self { start, end: start + (1 << digits_left) - 1, calls }
    }
}

/// A histogram that threads write. It wraps.
#[derive(Debug)]
pub(super) struct AtomicBuckets([AtomicU64; BUCKETS]);

impl AtomicBuckets {
    pub(super) fn new() -> Self {
        Self(array::from_fn(|_| AtomicU64::new(0)))
    }

    #[inline]
    pub(super) fn add(&self, nanos: u64, calls: u64) {
        self.0[index_of(nanos.min(LONGEST))].fetch_add(calls, Ordering::Relaxed);
    }

    /// Adds its calls to those of a histogram that is read.
    pub(super) fn add_to(&self, sum: &mut Buckets) {
        for (sum, calls) in sum.0.iter_mut().zip(&self.0) {
            *sum = sum.wrapping_add(calls.load(Ordering::Relaxed));
        }
    }
}

/// A histogram that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buckets([u64; BUCKETS]);

impl Buckets {
    pub(super) fn empty() -> Self {
        Self([0; BUCKETS])
    }

    /// The buckets that hold calls, from the shortest times to the longest.
    pub(super) fn filled(&self) -> impl Iterator<Item = Bucket> {
        let filled = self.0.iter().enumerate().filter(|(_, calls)| **calls != 0);
        filled.map(|(index, calls)| Bucket::at(index, *calls))
    }

    /// The number of calls, which may be more than a counter has room for.
    pub(super) fn sum(&self) -> u128 {
        self.0.iter().copied().map(u128::from).sum()
    }

    /// Without the calls of an earlier reading.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self(array::from_fn(|index| self.0[index].saturating_sub(earlier.0[index])))
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r30_buckets_follow_one_another_without_a_gap() {
        let all: Vec<_> = (0..BUCKETS).map(|index| Bucket::at(index, 0)).collect();
        assert_eq!((all[0].start, all[BUCKETS - 1].end), (0, LONGEST));
        assert!(all.windows(2).all(|pair| pair[0].end + 1 == pair[1].start));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn r30_a_time_is_in_its_bucket_which_is_at_most_a_sixteenth_of_it_wide(nanos: u64, shift in 0..64_u32) {
            let nanos = (nanos >> shift).min(LONGEST);
            let Bucket { start, end, .. } = Bucket::at(index_of(nanos), 0);
            prop_assert!(start <= nanos && nanos <= end, "{nanos} is not in {start}..={end}");
            prop_assert!((end - start) * 16 <= nanos, "{start}..={end}");
        }

        #[test]
        fn r30_each_call_is_in_one_bucket(all in prop::collection::vec(0..3 * LONGEST, 0..100)) {
            let (counts, mut read) = (AtomicBuckets::new(), Buckets::empty());
            for nanos in &all {
                counts.add(*nanos, 1);
            }
            counts.add_to(&mut read);
            prop_assert_eq!(read.sum(), all.len() as u128);
            for Bucket { start, end, calls } in read.filled() {
                let inside = all.iter().filter(|nanos| (start..=end).contains(&(**nanos).min(LONGEST)));
                prop_assert_eq!(calls, inside.count() as u64);
            }
            prop_assert_eq!(read.since(&read), Buckets::empty());
        }
    }
}
