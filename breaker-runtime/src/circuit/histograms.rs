//! Records how long calls take (R30). [`Timings`] is what readers get.
//!
//! Threads that share a counter slow each other down. So there are several histograms of successes, each thread keeps
//! to one of them, and a reader adds them up. Failures share one histogram: they take the circuit's lock anyway.

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use once_cell::race::OnceBox;

use super::breaker::CircuitBreaker;
use super::buckets::{AtomicBuckets, Buckets};
use super::clock::{self, Stopwatch};
use super::sync::thread_number;
use super::timings::Timings;
use crate::rules::{Ending, Instant};
use crate::settings::Settings;

/// More threads than this share.
const MOST_SHARES: usize = 16;

/// Made when a circuit is first to time its calls.
#[derive(Debug)]
pub(super) struct Histograms {
    successes: Box<[OnceBox<Share>]>,
    failures: OnceBox<AtomicBuckets>,
    /// When the last success of an absorbed circuit ended.
    absorbed: AtomicU64,
}

/// The successes of some threads. Aligned so that no two are on one line of a processor's cache.
#[derive(Debug)]
#[repr(align(128))]
struct Share {
    counts: AtomicBuckets,
    /// When the last recorded one ended.
    last: AtomicU64,
}

impl Share {
    fn new() -> Self {
        Self { counts: AtomicBuckets::new(), last: AtomicU64::new(0) }
    }
}

/// A success that was timed, if there is one. Whether it counts for the circuit shows later.
#[must_use]
pub(super) struct Success<'a>(Option<(&'a Share, Instant)>);

impl Success<'_> {
    pub(super) const NONE: Self = Self(None);

    /// It counts: it is the last one.
    pub(super) fn count(self) {
        if let Some((share, ended)) = self.0 {
            share.last.store(ended.as_nanos(), Ordering::Relaxed);
        }
    }
}

/// A power of two, so that a number becomes a share without a division.
fn shares() -> usize {
    static SHARES: OnceLock<usize> = OnceLock::new();
    *SHARES.get_or_init(|| {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        processors.next_power_of_two().min(MOST_SHARES)
    })
}

fn sum<'a>(all: impl IntoIterator<Item = &'a AtomicBuckets>) -> Buckets {
    let mut sum = Buckets::empty();
    all.into_iter().for_each(|counts| counts.add_to(&mut sum));
    sum
}

impl Histograms {
    pub(super) fn new() -> Self {
        let successes = (0..shares()).map(|_| OnceBox::new()).collect();
        Self { successes, failures: OnceBox::new(), absorbed: AtomicU64::new(0) }
    }

    fn share(&self) -> &Share {
        let at = thread_number() & (self.successes.len() - 1);
        self.successes[at].get_or_init(|| Share::new().into())
    }

    fn failures(&self) -> &AtomicBuckets {
        self.failures.get_or_init(|| Box::new(AtomicBuckets::new()))
    }

    /// Records a call. Only successes and failures say how long the dependency takes.
    // Not a part of where calls end: most circuits have no histograms.
    #[inline(never)]
    pub(super) fn record(&self, ending: Ending, began: Instant, ended: Instant) -> Success<'_> {
        let nanos = ended.as_nanos().saturating_sub(began.as_nanos());
        match ending {
            Ending::Success => {
                let share = self.share();
                share.counts.add(nanos, 1);
                return Success(Some((share, ended)));
            }
            Ending::Failure => self.failures().add(nanos, 1),
            Ending::Ignored | Ending::Cancelled => {}
        }
        Success::NONE
    }

    /// When successes ended that counted: the last one of each share.
    fn ends(&self) -> impl Iterator<Item = Instant> {
        let shares = self.successes.iter().filter_map(OnceBox::get);
        let ends = shares.map(|share| &share.last).chain([&self.absorbed]);
        let ends = ends.map(|end| Instant::from_nanos(end.load(Ordering::Relaxed)));
        ends.filter(|end| *end != Instant::ZERO)
    }

    /// The time since the last of them. An end that is yet to come is of a clock that began anew. The time is not read
    /// if there was none: the processor's counter calibrates itself when it is read first.
    fn since_success(&self, now: impl FnOnce() -> Instant) -> Option<Duration> {
        let mut ends = self.ends().peekable();
        ends.peek()?;
        let now = now();
        ends.filter(|end| now.has_reached(*end)).max().map(|end| now.since(end))
    }

    fn successes(&self) -> Buckets {
        sum(self.successes.iter().filter_map(OnceBox::get).map(|share| &share.counts))
    }

    fn of_failures(&self) -> Buckets {
        sum(self.failures.get())
    }

    /// Adds what another circuit has recorded.
    pub(super) fn absorb(&self, other: &Self) {
        other.successes().filled().for_each(|it| self.share().counts.add(it.end, it.calls));
        other.of_failures().filled().for_each(|it| self.failures().add(it.end, it.calls));
        if let Some(last) = other.ends().max() {
            self.absorbed.fetch_max(last.as_nanos(), Ordering::Relaxed);
        }
    }
}

/// What a circuit says about how long its calls took.
#[derive(Debug, Default)]
pub(crate) struct Timed {
    pub(crate) successes: Option<Timings>,
    pub(crate) failures: Option<Timings>,
    /// The time since the last success that counted.
    pub(crate) last_success: Option<Duration>,
}

/// In a separate file, because circuits without `timings` never come here.
impl CircuitBreaker {
    pub(super) fn histograms(&self) -> Option<&Histograms> {
        self.extras.get()?.histograms.get()
    }

    /// What the option `timings` has recorded. Nothing while it is off.
    pub(crate) fn timed(&self, settings: &Settings) -> Timed {
        let Some(histograms) = self.histograms().filter(|_| settings.timings) else {
            return Timed::default();
        };
        let now = || match self.dials.stopwatch() {
            Stopwatch::Counter => clock::counter(),
            Stopwatch::None | Stopwatch::Clock | Stopwatch::Watched => self.clock().now(),
        };
        Timed {
            successes: Timings::of(histograms.successes()),
            failures: Timings::of(histograms.of_failures()),
            last_success: histograms.since_success(now),
        }
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    /// Starts that number of threads, one after the other. A call of each succeeds.
    fn succeed_on(histograms: &Histograms, threads: usize) {
        for _ in 0..threads {
            let success = || histograms.record(Ending::Success, at(1), at(2)).count();
            thread::scope(|scope| scope.spawn(success).join().unwrap());
        }
    }

    #[test]
    fn r30_threads_spread_over_shares_and_a_reader_adds_these_up() {
        let histograms = Histograms::new();
        let shares = histograms.successes.len();
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        assert!((processors.min(MOST_SHARES)..=MOST_SHARES).contains(&shares), "{shares} shares");
        // Other tests take numbers of threads meanwhile, so some of these may meet in one share.
        succeed_on(&histograms, 32 * shares);
        let used = histograms.successes.iter().filter(|share| share.get().is_some()).count();
        assert_eq!(used, shares, "every share has threads");
        assert_eq!(histograms.successes().sum(), 32 * shares as u128);
    }
}
