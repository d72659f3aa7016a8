//! Clocks: the system's monotonic clock, or one that a test moves.
//!
//! The wall clock is never read, so setting it cannot open or close a circuit.

#[cfg(feature = "test-util")]
mod alarms;
#[cfg(not(feature = "test-util"))]
#[path = "clock/no_alarms.rs"]
mod alarms;
#[cfg(not(feature = "test-util"))]
mod system;
#[cfg(feature = "test-util")]
#[path = "clock/tokio.rs"]
mod system;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

#[cfg(feature = "test-util")]
pub(crate) use self::alarms::Alarm;
use self::alarms::Alarms;
use crate::rules::Instant;
use crate::settings::Settings;

/// The clock of a circuit.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, State};
///
/// let time = ManualClock::new();
/// let config = Config::new().cooldown(Duration::from_secs(5));
/// let circuit = CircuitBreaker::with_clock("payments", config, Clock::Manual(time.clone()))?;
///
/// circuit.trip();
/// time.advance(Duration::from_secs(5));
/// assert!(circuit.snapshot().probe_due);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's monotonic clock ([`std::time::Instant`]). The operating system decides whether it runs while the
    /// machine is suspended; on Linux it does not. With feature `test-util` it is tokio's clock, which a test can pause
    /// and advance.
    ///
    /// On Linux, Android and macOS, most circuits read the coarse variant of that clock, which is cheaper. It moves in
    /// steps of 1 to 10 ms, so times can be one step too short or too long. A circuit reads the precise clock if its
    /// `cooldown`, its `probe_timeout` or a tenth of its time window is shorter than 100 ms.
    ///
    /// Calls with a `slow_call` shorter than 100 ms are timed by the processor's counter, if it is steady. The first
    /// such call of the program calibrates it, which takes about 1 ms and at most 200 ms.
    #[default]
    System,
    /// A clock that you advance yourself.
    Manual(ManualClock),
    /// Tokio's clock, paused time included. Only with feature `test-util`, where [`System`](Clock::System) follows
    /// tokio too: this name says what a test relies on.
    #[cfg(feature = "test-util")]
    Tokio,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::System => "system",
            Self::Manual(_) => "manual",
            #[cfg(feature = "test-util")]
            Self::Tokio => "tokio",
        })
    }
}

/// What a circuit reads the time from. One source for all that it does, so that its times compare.
#[derive(Debug)]
pub(crate) enum Source {
    /// Precise costs more than all else that a healthy call does. Otherwise it costs next to nothing, and moves in
    /// steps of some milliseconds.
    System {
        is_precise: AtomicBool,
    },
    Manual(ManualClock),
}

/// A step of the coarse clock is a small part of this.
const COARSE_ENOUGH: Duration = Duration::from_millis(100);

impl Source {
    /// The source for a circuit that measures nothing shorter than `shortest`.
    pub(crate) fn new(clock: Clock, shortest: Duration) -> Self {
        match clock {
            Clock::System => Self::System { is_precise: AtomicBool::new(shortest < COARSE_ENOUGH) },
            Clock::Manual(clock) => Self::Manual(clock),
            #[cfg(feature = "test-util")]
            Clock::Tokio => Self::System { is_precise: AtomicBool::new(true) },
        }
    }

    /// From now on nothing shorter than `shortest` is measured. The system's clocks begin at one moment, so times
    /// of before compare.
    pub(crate) fn refit(&self, shortest: Duration) {
        if let Self::System { is_precise } = self {
            is_precise.store(shortest < COARSE_ENOUGH, Ordering::Relaxed);
        }
    }

    /// The clock that this reads.
    pub(crate) fn kind(&self) -> Clock {
        match self {
            Self::System { .. } => Clock::System,
            Self::Manual(clock) => Clock::Manual(clock.clone()),
        }
    }

    /// The same clock without steps.
    pub(crate) fn precise(&self) -> Self {
        Self::new(self.kind(), Duration::ZERO)
    }

    /// The same clock in steps, if it has any.
    pub(crate) fn coarse(&self) -> Self {
        Self::new(self.kind(), Duration::MAX)
    }

    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::System { is_precise } if is_precise.load(Ordering::Relaxed) => system::precise(),
            Self::System { .. } => system::coarse(),
            Self::Manual(clock) => clock.now(),
        }
    }
}

/// How a circuit measures its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopwatch {
    /// Not at all.
    None,
    /// By its clock.
    Clock,
    /// By a counter that is fast and exact, but may begin anew when the machine was suspended: good enough
    /// for the length of a call, which is then too short, and for nothing that has to end.
    Counter,
    /// By its clock, and it is watched whether they hang.
    Watched,
}

impl Stopwatch {
    /// What was cast to that number.
    pub(crate) fn of(number: u8) -> Self {
        const CLOCK: u8 = Stopwatch::Clock as u8;
        const COUNTER: u8 = Stopwatch::Counter as u8;
        const WATCHED: u8 = Stopwatch::Watched as u8;
        match number {
            CLOCK => Self::Clock,
            COUNTER => Self::Counter,
            WATCHED => Self::Watched,
            _ => Self::None,
        }
    }

    pub(crate) fn new(settings: &Settings, clock: &Source) -> Self {
        // Histograms tell microseconds apart.
        let shortest = settings.timings.then_some(Duration::ZERO).or(settings.slow_call);
        match (shortest, clock) {
            _ if settings.hung_after.is_some() => Self::Watched,
            (None, _) => Self::None,
            (Some(shortest), Source::System { .. }) if shortest < COARSE_ENOUGH => Self::Counter,
            (Some(_), _) => Self::Clock,
        }
    }
}

/// What a [`Stopwatch::Counter`] shows.
pub(crate) fn counter() -> Instant {
    system::counter()
}

/// A clock that only [`advance`](ManualClock::advance) moves. Clones share one time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Clock, ManualClock};
///
/// let time = ManualClock::new();
/// let clock = Clock::Manual(time.clone());
/// time.advance(Duration::from_millis(250));
/// # let _ = clock;
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    elapsed: Arc<AtomicU64>,
    alarms: Alarms,
}

impl ManualClock {
    /// A clock at time zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let time = ManualClock::new();
    /// let clock = Clock::Manual(time.clone());
    /// let circuit = CircuitBreaker::with_clock("payments", Config::new(), clock)?;
    /// assert!(circuit.snapshot().since.is_zero()); // time stands still
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Advances the clock. It saturates after 584 years (`u64::MAX` nanoseconds).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let time = ManualClock::new();
    /// let config = Config::new().cooldown(Duration::from_secs(30));
    /// let circuit = CircuitBreaker::with_clock("payments", config, Clock::Manual(time.clone()))?;
    /// circuit.trip();
    /// time.advance(Duration::from_secs(30));
    /// assert!(circuit.snapshot().probe_due);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn advance(&self, by: Duration) {
        let moved = |elapsed| Some(Instant::from_nanos(elapsed).after(by).as_nanos());
        let _ = self.elapsed.fetch_update(Ordering::AcqRel, Ordering::Acquire, moved);
        self.alarms.ring(self.now());
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(self.elapsed.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Config;

    fn of(clock: Clock) -> Source {
        Source::new(clock, Duration::ZERO)
    }

    #[test]
    fn only_times_of_100_ms_and_more_are_measured_coarsely() {
        let source = |millis| Source::new(Clock::System, Duration::from_millis(millis));
        let is_precise = |source: &Source| match source {
            Source::System { is_precise } => is_precise.load(Ordering::Relaxed),
            Source::Manual(_) => false,
        };
        assert!(is_precise(&source(99)) && !is_precise(&source(100)));
        assert!(is_precise(&source(100).precise()));
        let refitted = source(100);
        refitted.refit(Duration::from_millis(99));
        assert!(is_precise(&refitted));

        let slow = |millis| Config::new().slow_call(Duration::from_millis(millis));
        let stopwatch = |config: Config| Stopwatch::new(&config.settings(), &source(100));
        assert_eq!(stopwatch(slow(99)), Stopwatch::Counter);
        assert_eq!(stopwatch(slow(100)), Stopwatch::Clock);
        assert_eq!(stopwatch(Config::new()), Stopwatch::None);
        let hung_after = slow(99).hung_after(Duration::from_millis(99));
        assert_eq!(stopwatch(hung_after), Stopwatch::Watched);
        let manual = of(Clock::Manual(ManualClock::new()));
        assert_eq!(Stopwatch::new(&slow(1).settings(), &manual), Stopwatch::Clock);
        for it in [Stopwatch::None, Stopwatch::Clock, Stopwatch::Counter, Stopwatch::Watched] {
            assert_eq!(Stopwatch::of(it as u8), it);
        }
    }

    /// What the clocks may lag behind one another: a tick of the coarse one, with room.
    const STEP: Duration = Duration::from_millis(20);

    /// The only test that waits: these clocks cannot be moved. The thread may be stopped between any two lines.
    #[test]
    fn all_clocks_of_the_system_count_the_same_nanoseconds() {
        let read = || [system::coarse(), system::precise(), system::counter()];
        let began = std::time::Instant::now();
        let before = read();
        let slept = std::time::Instant::now();
        std::thread::sleep(Duration::from_millis(100));
        let at_least = slept.elapsed();
        let after = read();
        let at_most = began.elapsed();
        for (before, after) in before.into_iter().zip(after) {
            let counted = after.since(before);
            assert!(counted + STEP >= at_least && counted <= at_most + STEP, "{counted:?}");
        }
    }

    #[test]
    fn r24_the_clocks_of_the_system_begin_at_one_moment() {
        let (before, coarse, after) = (system::precise(), system::coarse(), system::precise());
        assert!(before.since(coarse) <= STEP && coarse.since(after) <= STEP);
    }

    #[test]
    fn clones_of_a_manual_clock_share_one_time() {
        let time = ManualClock::new();
        let clock = Clock::Manual(time.clone());
        time.clone().advance(Duration::from_nanos(7));
        time.advance(Duration::from_nanos(3));
        assert_eq!(of(clock).now().since(Instant::ZERO), Duration::from_nanos(10));
    }

    #[test]
    fn a_manual_clock_saturates() {
        let time = ManualClock::new();
        time.advance(Duration::MAX);
        time.advance(Duration::from_secs(1));
        assert_eq!(of(Clock::Manual(time)).now(), Instant::NEVER);
    }
}
