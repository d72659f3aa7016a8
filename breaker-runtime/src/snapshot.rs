//! A consistent copy of what a circuit knows, for people and for machines.

mod explain;
mod table;

use std::time::Duration;

use crate::config::Config;
use crate::mode::ModeOverride;
use crate::provenance::Conflict;
use crate::site::Site;
use crate::state::{State, TripReason};
use crate::transitions::TransitionCounts;

/// A circuit at one moment. Taking one changes nothing, and never waits for a call.
///
/// State, epoch and counts belong together. The sum in [`Calls`] holds in every snapshot, also while calls
/// start and end. Between two snapshots, no total goes back.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, State};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// let _ = circuit.call(|| Err::<(), _>("down"));
///
/// let snapshot = circuit.snapshot();
/// assert_eq!(snapshot.state, State::Closed);
/// assert_eq!(snapshot.calls.failure, 1);
/// assert_eq!(snapshot.explain(), "closed: 1 of the 5 failures in a row that open it");
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The circuit's name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// How long it has been in that state.
    pub since: Duration,
    /// Changes of state and resets since the circuit was made.
    pub epoch: u64,
    /// What opened it, until it closes.
    pub trip_reason: Option<TripReason>,
    /// Time until a probe may run: zero when one is due, `None` unless open, and `None` "until reset".
    pub retry_after: Option<Duration>,
    /// Whether the next call will be a probe.
    pub probe_due: bool,
    /// Share of failed calls in the window; `None` below `minimum_calls`.
    pub failure_rate: Option<f64>,
    /// Share of slow calls in the window; `None` below `minimum_calls` and without `slow_call`.
    pub slow_call_rate: Option<f64>,
    /// Failures since the last success. Counted while closed, 0 otherwise.
    pub consecutive_failures: u32,
    /// Good calls since the last bad one, at most the count window; `None` unless closed.
    pub consecutive_successes: Option<u32>,
    /// The probes of this half-open, or of the last one.
    pub probes: Probes,
    /// Calls in the window.
    pub window_calls: u32,
    /// Of those, the ones that failed.
    pub window_failures: u32,
    /// Of those, the ones that were slow. One that also failed is in both.
    pub window_slow_calls: u32,
    /// Calls that have started and not ended. While calls start and end, it is a number of calls that were in
    /// flight at one moment of the reading, or less.
    pub in_flight: u64,
    /// What became of the calls that started.
    pub calls: Calls,
    /// The calls that did not start.
    pub rejected: Rejections,
    /// Changes of state since the circuit was made.
    pub transitions: u64,
    /// The same, by the states before and after.
    pub transition_counts: TransitionCounts,
    /// How long it has been open in all. Forced open is not open: somebody wanted it so.
    pub open_time: Duration,
    /// Time since the last recorded failure.
    pub last_failure: Option<Duration>,
    /// Time since the last recorded success, where that is known: from a probe's success until the circuit
    /// closes or is disabled. `None` for a healthy circuit, whose good calls are counted without a date.
    pub last_success: Option<Duration>,
    /// The order that decides how the circuit is run; `None` if it opens and closes on evidence. One whose time is
    /// over is not shown, also if nobody has called since.
    pub mode_override: Option<ModeOverride>,
    /// The config that the circuit goes by.
    pub config: Config,
    /// The annotated function that stated it; `None` if that was code, or nobody.
    pub decided_by: Option<&'static Site>,
    /// The annotated functions that share it.
    pub sites: Vec<&'static Site>,
    /// Configs stated for its name that differ from the one it goes by: the newest 16, oldest first.
    pub conflicts: Vec<Conflict>,
    /// How many such configs were stated in all. A repetition counts once as long as `conflicts` has it.
    pub conflict_count: u64,
}

/// What became of the calls that started.
///
/// Always `started == success + failure + ignored + cancelled + in_flight`; the other counts are marks on
/// those.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// circuit.try_acquire()?.success();
/// drop(circuit.try_acquire()?);
/// let calls = circuit.snapshot().calls;
/// assert_eq!((calls.started, calls.success, calls.cancelled), (2, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Calls {
    /// Calls that were let through.
    pub started: u64,
    /// Calls that ended well.
    pub success: u64,
    /// Calls that failed.
    pub failure: u64,
    /// Calls that say nothing about the dependency.
    pub ignored: u64,
    /// Calls that were dropped before they ended.
    pub cancelled: u64,
    /// Recorded calls that took longer than `slow_call`.
    pub slow: u64,
    /// Calls whose outcome came when the circuit had moved on.
    pub late: u64,
    /// Calls that took longer than `call_timeout`.
    pub timed_out: u64,
    /// Calls that panicked.
    pub panicked: u64,
}

impl Calls {
    pub(crate) fn ended(&self) -> u64 {
        let ended = [self.success, self.failure, self.ignored, self.cancelled];
        ended.into_iter().fold(0, u64::saturating_add)
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.started.saturating_sub(self.ended())
    }
}

/// Calls that did not start, by reason.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// circuit.force_open();
/// assert!(circuit.try_acquire().is_err());
/// assert_eq!(circuit.snapshot().rejected.forced_open, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejections {
    /// The circuit was open.
    pub open: u64,
    /// All probes were in flight.
    pub half_open_full: u64,
    /// The circuit was forced open.
    pub forced_open: u64,
    /// The bulkhead was full.
    pub bulkhead_full: u64,
}

impl Rejections {
    /// All of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.trip();
    /// assert!(circuit.try_acquire().is_err());
    /// assert_eq!(circuit.snapshot().rejected.total(), 1);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn total(&self) -> u64 {
        let all = [self.open, self.half_open_full, self.forced_open, self.bulkhead_full];
        all.into_iter().fold(0, u64::saturating_add)
    }
}

/// The probes of one half-open.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
///
/// let time = ManualClock::new();
/// let clock = Clock::Manual(time.clone());
/// let circuit = CircuitBreaker::with_clock("payments", Config::new(), clock)?;
/// circuit.trip();
/// time.advance(Duration::from_secs(60));
///
/// circuit.try_acquire()?.success();
/// let under_way = circuit.try_acquire()?;
/// let probes = circuit.snapshot().probes;
/// assert_eq!((probes.successes, probes.in_flight), (1, 1));
/// # drop(under_way);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probes {
    /// Probes that have not ended.
    pub in_flight: u64,
    /// Probes that ended well.
    pub successes: u64,
    /// Probes that failed, were slow, or were lost.
    pub failures: u64,
    /// Probes that were given up at `probe_timeout`.
    pub lost: u64,
}

/// Every circuit of the registry, by name. Its `Display` is an aligned table, the worst first.
///
/// The table fits into 80 columns, or into as many as the format asks for (`{:120}`). Names that are too long
/// show their beginning and their end, at least 8 columns of them, and numbers their greatest digits (`1.2M`).
/// What a terminal would obey or hide is escaped (`\u{202e}`), so that a name does no harm and hides nothing.
/// [`circuits`](RegistrySnapshot::circuits) has names and numbers as they are.
///
/// `{}` is plain text. `{:#}` colors the states with ANSI escape sequences; that is for terminals only.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
///
/// registry().get_or_create("payments", Config::new())?;
/// let table = registry().snapshot().to_string();
/// assert!(table.starts_with("NAME"));
/// assert!(table.contains("payments"));
///
/// use std::io::{IsTerminal, stdout};
/// if stdout().is_terminal() {
///     println!("{:#}", registry().snapshot());
/// }
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistrySnapshot {
    /// One snapshot per circuit.
    pub circuits: Vec<Snapshot>,
}
