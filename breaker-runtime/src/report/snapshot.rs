//! A consistent copy of what a circuit knows, for people and for machines.

use std::time::Duration;

use crate::circuit::{Calls, CircuitBreaker, Counted, Description, Rejections};
use crate::rules::{ModeOverride, Probes, State, Tally, TransitionCounts, TripReason, count};
use crate::settings::{Config, Conflict, Site};

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

/// Stands here because a snapshot is a report: the circuit itself hands out readings only.
impl CircuitBreaker {
    /// A consistent copy of what the circuit knows.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.try_acquire()?.success();
    /// let snapshot = circuit.snapshot();
    /// assert_eq!(snapshot.calls.success, 1);
    /// assert_eq!(snapshot.consecutive_successes, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Counted { reading, config, settings, calls, rejected } = self.read();
        let Description { decided_by, sites, conflicts, conflict_count } = self.describe();
        let judged =
            (reading.tally.calls >= settings.minimum_calls.into()).then_some(reading.tally);
        Snapshot {
            name: self.name().to_owned(),
            state: reading.state,
            since: reading.since,
            epoch: reading.epoch,
            trip_reason: reading.trip_reason,
            retry_after: reading.retry_after,
            probe_due: reading.probe_due,
            failure_rate: judged.map(Tally::failed_share),
            slow_call_rate: judged.filter(|_| settings.slow_call.is_some()).map(Tally::slow_share),
            consecutive_failures: reading.consecutive_failures,
            consecutive_successes: reading.consecutive_successes,
            probes: reading.probes,
            window_calls: count(reading.tally.calls),
            window_failures: count(reading.tally.failed),
            window_slow_calls: count(reading.tally.slow),
            in_flight: calls.in_flight(),
            calls,
            rejected,
            transitions: reading.past.transitions.total(),
            transition_counts: reading.past.transitions,
            open_time: reading.past.open,
            last_failure: reading.last_failure,
            last_success: reading.last_success,
            mode_override: reading.mode_override,
            config,
            decided_by,
            sites,
            conflicts,
            conflict_count,
        }
    }
}
