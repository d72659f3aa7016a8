//! How long calls took, as snapshots show it (R30).

use std::sync::Arc;
use std::time::Duration;

use histogram::{Bucket, Config, Histogram};

use crate::rules::nanos;

/// Sixteen buckets for each doubling, so no bucket is wider than 6.25 % of what is in it. 2^42 ns are 73 minutes.
pub(super) const BUCKETS: Config = match Config::new(4, 42) {
    Ok(buckets) => buckets,
    Err(_) => panic!("these are in range"),
};
/// The longest time with a bucket of its own, in nanoseconds.
pub(super) const LONGEST: u64 = (1 << 42) - 1;

/// How long the calls of a circuit took, since it was made or the option [`timings`](crate::Config::timings) was
/// switched on. [`Snapshot::timings`](crate::Snapshot::timings) is about successes,
/// [`failure_timings`](crate::Snapshot::failure_timings) about failures.
///
/// The time starts when the call is admitted: waits for a slot of `max_concurrent` are not in it. It ends with the
/// call, whether the outcome counts or comes too late. Ignored and cancelled calls are in neither.
///
/// Each time is rounded up, by at most 6.25 %. Times below a microsecond and above an hour may be rounded further.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
///
/// let time = ManualClock::new();
/// let clock = Clock::Manual(time.clone());
/// let circuit = CircuitBreaker::with_clock("search", Config::new().timings(true), clock)?;
/// for millis in 1..=100 {
///     let permit = circuit.try_acquire()?;
///     time.advance(Duration::from_millis(millis));
///     permit.success();
/// }
/// let timings = circuit.snapshot().timings.expect("there were successes");
/// assert_eq!(timings.count, 100);
/// let (least, most) = (Duration::from_millis(95), Duration::from_millis(101));
/// assert!(least <= timings.p95 && timings.p95 <= most, "{timings:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timings {
    /// The number of calls.
    pub count: u64,
    /// The median: half of the calls took this long or less.
    pub p50: Duration,
    /// 90 % of the calls took this long or less.
    pub p90: Duration,
    /// 95 % of the calls took this long or less.
    pub p95: Duration,
    /// 99 % of the calls took this long or less.
    pub p99: Duration,
    /// The longest call.
    pub max: Duration,
    calls: Arc<Histogram>,
}

impl Timings {
    /// The upper bounds of coarse buckets, for metrics and charts: half a millisecond to ten seconds.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, Timings};
    ///
    /// let time = ManualClock::new();
    /// let clock = Clock::Manual(time.clone());
    /// let circuit = CircuitBreaker::with_clock("search", Config::new().timings(true), clock)?;
    /// let permit = circuit.try_acquire()?;
    /// time.advance(Duration::from_millis(60));
    /// permit.success();
    /// let timings = circuit.snapshot().timings.expect("there was a success");
    /// let limit = Timings::BOUNDS.into_iter().find(|limit| timings.at_most(*limit) == 1);
    /// assert_eq!(limit, Some(Duration::from_millis(100)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const BOUNDS: [Duration; 14] = [
        Duration::from_micros(500),
        Duration::from_millis(1),
        Duration::from_micros(2_500),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_millis(500),
        Duration::from_secs(1),
        Duration::from_millis(2_500),
        Duration::from_secs(5),
        Duration::from_secs(10),
    ];

    /// `None` if there are no calls in it.
    pub(super) fn of(calls: Histogram) -> Option<Self> {
        let mut found = [const { None }; 5];
        calls.quantile_buckets_into(&[0.5, 0.9, 0.95, 0.99, 1.0], &mut found).ok()?;
        let [p50, p90, p95, p99, max] = found.map(|bucket| bucket.map(|it| end_of(&it)));
        let count = calls.as_slice().iter().fold(0, |sum: u64, it| sum.saturating_add(*it));
        let calls = Arc::new(calls);
        Some(Self { count, p50: p50?, p90: p90?, p95: p95?, p99: p99?, max: max?, calls })
    }

    /// The number of calls that took `limit` or less. It rounds the limit up, as it does the calls.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let clock = Clock::Manual(ManualClock::new());
    /// let circuit = CircuitBreaker::with_clock("search", Config::new().timings(true), clock)?;
    /// circuit.try_acquire()?.success();
    /// let timings = circuit.snapshot().timings.expect("there was a success");
    /// assert_eq!(timings.at_most(Duration::from_millis(1)), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn at_most(&self, limit: Duration) -> u64 {
        let limit = nanos(limit);
        let begun = self.calls.iter().take_while(|bucket| bucket.start() <= limit);
        begun.fold(0, |sum, bucket| sum.saturating_add(bucket.count()))
    }

    /// The number of calls that took each of [`BOUNDS`](Timings::BOUNDS) or less, and last the number of all, without a
    /// limit: a classic histogram.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let time = ManualClock::new();
    /// let clock = Clock::Manual(time.clone());
    /// let circuit = CircuitBreaker::with_clock("search", Config::new().timings(true), clock)?;
    /// let permit = circuit.try_acquire()?;
    /// time.advance(Duration::from_secs(20));
    /// permit.success();
    /// let timings = circuit.snapshot().timings.expect("there was a success");
    /// let buckets: Vec<_> = timings.cumulative().collect();
    /// assert_eq!(buckets[13..], [(Some(Duration::from_secs(10)), 0), (None, 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cumulative(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let (mut buckets, mut sum) = (self.calls.iter().peekable(), 0_u64);
        let bounded = Self::BOUNDS.into_iter().map(move |bound| {
            let limit = nanos(bound);
            while let Some(bucket) = buckets.next_if(|bucket| bucket.start() <= limit) {
                sum = sum.saturating_add(bucket.count());
            }
            (Some(bound), sum)
        });
        bounded.chain([(None, self.count)])
    }

    /// About how long all the calls took together, by the middle of each bucket. At most 3.2 % off, and it never
    /// decreases.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let time = ManualClock::new();
    /// let clock = Clock::Manual(time.clone());
    /// let circuit = CircuitBreaker::with_clock("search", Config::new().timings(true), clock)?;
    /// let permit = circuit.try_acquire()?;
    /// time.advance(Duration::from_secs(1));
    /// permit.success();
    /// let total = circuit.snapshot().timings.expect("there was a success").total();
    /// assert!((total.as_secs_f64() - 1.0).abs() < 0.032);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn total(&self) -> Duration {
        let of = |bucket: Bucket| {
            let middle = u128::from(bucket.start().midpoint(bucket.end()));
            middle * u128::from(bucket.count())
        };
        let nanos = self.calls.iter().map(of).fold(0, u128::saturating_add);
        Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX))
    }

    /// The calls that ended after `earlier` was taken, of the same circuit. `None` if there were none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let time = ManualClock::new();
    /// let clock = Clock::Manual(time.clone());
    /// let circuit = CircuitBreaker::with_clock("search", Config::new().timings(true), clock)?;
    /// circuit.try_acquire()?.success();
    /// let earlier = circuit.snapshot().timings.expect("there was a success");
    ///
    /// let permit = circuit.try_acquire()?;
    /// time.advance(Duration::from_secs(2));
    /// permit.success();
    /// let later = circuit.snapshot().timings.expect("there were two");
    /// let between = later.since(&earlier).expect("there was one between");
    /// assert_eq!(between.count, 1);
    /// assert!(between.p50 >= Duration::from_secs(2));
    /// assert!(later.since(&later).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<Self> {
        let mut between = (*self.calls).clone();
        let earlier = earlier.calls.as_slice();
        for (calls, before) in between.as_mut_slice().iter_mut().zip(earlier) {
            *calls = calls.saturating_sub(*before);
        }
        Self::of(between)
    }

    /// The buckets that hold calls: their ends in nanoseconds, and the calls.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let filled = self.calls.iter().filter(|bucket| bucket.count() != 0);
        filled.map(|bucket| (bucket.end(), bucket.count()))
    }
}

/// Snapshots are compared in tests.
impl PartialEq for Timings {
    fn eq(&self, other: &Self) -> bool {
        self.calls == other.calls
    }
}

fn end_of(bucket: &Bucket) -> Duration {
    Duration::from_nanos(bucket.end())
}
