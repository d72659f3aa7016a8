//! How long calls took, as snapshots show it (R30).

use std::sync::Arc;
use std::time::Duration;

use super::buckets::{Bucket, Buckets};
use crate::rules::nanos;

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
    calls: Arc<Buckets>,
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
    pub(super) fn of(calls: Buckets) -> Option<Self> {
        let all = calls.sum();
        let percentile = |percent: u128| {
            let (wanted, mut seen) = ((all * percent).div_ceil(100), 0);
            let mut filled = calls.filled();
            let found = filled.find(|bucket| {
                seen += u128::from(bucket.calls);
                seen >= wanted
            });
            found.map(|bucket| Duration::from_nanos(bucket.end))
        };
        let [p50, p90, p95, p99, max] = [50, 90, 95, 99, 100].map(percentile);
        let (p50, p90, p95, p99, max) = (p50?, p90?, p95?, p99?, max?);
        let count = u64::try_from(all).unwrap_or(u64::MAX);
        Some(Self { count, p50, p90, p95, p99, max, calls: Arc::new(calls) })
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
        let begun = self.calls.filled().take_while(|bucket| bucket.start <= limit);
        begun.fold(0, |sum, bucket| sum.saturating_add(bucket.calls))
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
        let (mut buckets, mut sum) = (self.calls.filled().peekable(), 0_u64);
        let bounded = Self::BOUNDS.into_iter().map(move |bound| {
            let limit = nanos(bound);
            while let Some(bucket) = buckets.next_if(|bucket| bucket.start <= limit) {
                sum = sum.saturating_add(bucket.calls);
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
            u128::from(bucket.start.midpoint(bucket.end)) * u128::from(bucket.calls)
        };
        let nanos = self.calls.filled().map(of).fold(0, u128::saturating_add);
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
        Self::of(self.calls.since(&earlier.calls))
    }
}

/// Snapshots are compared in tests.
impl PartialEq for Timings {
    fn eq(&self, other: &Self) -> bool {
        self.calls == other.calls
    }
}
