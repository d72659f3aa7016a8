//! Snapshots: consistent copies of a circuit's state, counts and rates.

use std::time::Duration;

use crate::circuit::{
    Calls, CircuitBreaker, Counted, Description, FleetStatus, FleetView, Overridden, Rejections,
    Timed, Timings,
};
use crate::rules::{
    Instant, Lease, ModeOverride, Outage, Probes, State, Tally, TransitionCounts, TripReason, count,
};
use crate::settings::{Config, Conflict, Mode, Site, Sources};

/// A circuit at one moment. Taking a snapshot changes nothing and never waits for a call.
///
/// State, epoch and counts belong together. The sum in [`Calls`] holds in every snapshot, even while calls start and
/// end. Totals never decrease from one snapshot to the next.
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
    /// How long it has been in this state.
    pub since: Duration,
    /// The number of changes of state and resets since the circuit was made.
    pub epoch: u64,
    /// What opened it. `None` once it has closed.
    pub trip_reason: Option<TripReason>,
    /// Re-openings since it last closed. `cooldown_multiplier` counts them.
    pub reopenings: u32,
    /// How long it has not been closed, and why at first. `None` if it is closed, and if only an order keeps it from
    /// being closed.
    pub outage: Option<Outage>,
    /// The time until a probe may run; zero if one is due. `None` if the circuit is not open, or stays open until
    /// reset.
    pub retry_after: Option<Duration>,
    /// Whether the next call will be a probe.
    pub probe_due: bool,
    /// The share of calls that is let in while the circuit is recovering, 0.1 to 1. `None` in other states.
    pub recovering_share: Option<f64>,
    /// The share of failed calls in the window, 0 to 1; `None` below `minimum_calls`.
    pub failure_rate: Option<f64>,
    /// The share of slow calls in the window, 0 to 1; `None` below `minimum_calls` and without `slow_call`.
    pub slow_call_rate: Option<f64>,
    /// Failures since the last success. 0 unless closed or recovering.
    pub consecutive_failures: u32,
    /// Good calls since the last failed or slow one, at most the count window. `None` unless closed or recovering, and
    /// with a time window.
    pub consecutive_successes: Option<u32>,
    /// The probes of the current half-open period, or of the last one.
    pub probes: Probes,
    /// Calls in the window.
    pub window_calls: u32,
    /// Calls in the window that failed.
    pub window_failures: u32,
    /// Calls in the window that were slow. A call that was slow and failed is in both counts.
    pub window_slow_calls: u32,
    /// Calls that have started and not ended. If calls start or end while the snapshot is taken, this may be too low,
    /// but never too high.
    pub in_flight: u64,
    /// How the calls that started have ended.
    pub calls: Calls,
    /// Calls that were refused.
    pub rejected: Rejections,
    /// Calls that ran although they would have been rejected, while the circuit was [observed](crate::Mode::Observe).
    pub would_reject: Rejections,
    /// How the circuit is run. In mode [`Observe`](crate::Mode::Observe) the state is the one it would be in.
    pub mode: Mode,
    /// Changes of state since the circuit was made.
    pub transitions: u64,
    /// The same, by state before and after.
    pub transition_counts: TransitionCounts,
    /// The total time it was open. Time in forced open does not count.
    pub open_time: Duration,
    /// The time since the last recorded failure.
    pub last_failure: Option<Duration>,
    /// The time since the last recorded success, if known. Without [`timings`](Config::timings), that is only from a
    /// probe's success until the circuit closes or is disabled: a healthy circuit counts good calls without their time.
    pub last_success: Option<Duration>,
    /// The words of the last failure that was described: see `describe_error`.
    pub last_error: Option<String>,
    /// The words of the failure that opened the circuit, if it was described. `None` once it has closed.
    pub trip_error: Option<String>,
    /// How long the successful calls took. `None` without [`timings`](Config::timings), and if there were none.
    pub timings: Option<Timings>,
    /// The same for the calls that failed.
    pub failure_timings: Option<Timings>,
    /// The order that decides the circuit's mode. `None` if it opens and closes on evidence. An order that has ended
    /// is not shown, even if no call came since.
    pub mode_override: Option<ModeOverride>,
    /// The config in use.
    pub config: Config,
    /// The annotated function that stated the config. `None` if code stated it, or nothing stated one.
    pub decided_by: Option<&'static Site>,
    /// The annotated functions that share the circuit.
    pub sites: Vec<&'static Site>,
    /// Different configs that were stated for its name and are ignored: the newest 16, oldest first.
    pub conflicts: Vec<Conflict>,
    /// The number of such configs so far. A repetition is not counted while `conflicts` holds the first.
    pub conflict_count: u64,
    /// Where each value of `config` comes from.
    pub sources: Sources,
    /// The options that were overridden while the program runs.
    pub overrides: Vec<OptionOverride>,
    /// What the fleet says about the circuit. `None` if it is not shared with other processes.
    pub fleet: Option<FleetView>,
    /// Whether the circuit may probe. `None` if it asks no fleet: it is closed, or acts as if alone.
    pub lease: Option<Lease>,
    /// The fleet's verdict that the circuit does not follow, because its own calls are good.
    pub vetoed: Option<TripReason>,
}

/// An option that was overridden while the program runs, by
/// [`Registry::override_for`](crate::Registry::override_for).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Override, Registry};
///
/// let own = Registry::new();
/// own.circuit("queue", Config::new())?;
/// let minute = Duration::from_secs(60);
/// own.override_for("queue", Override::Option("cooldown", "5s"), Some(minute), "10.0.0.7")?;
/// let overrides = own.snapshot_of("queue").unwrap().overrides;
/// assert_eq!((overrides[0].option, overrides[0].value.as_str()), ("cooldown", "5s"));
/// assert_eq!(overrides[0].by.as_deref(), Some("10.0.0.7"));
/// assert!(overrides[0].left.unwrap() <= minute);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OptionOverride {
    /// The option.
    pub option: &'static str,
    /// Its value, as text.
    pub value: String,
    /// Who set it; `None` if unknown.
    pub by: Option<String>,
    /// The time until it ends by itself; `None` if it lasts until another override of that option.
    pub left: Option<Duration>,
}

impl Snapshot {
    /// Removes who gave orders, for readers who may not know: from the override of the mode, the overrides of options,
    /// and the sources of values. Removes which member of the fleet probes, too.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Override, Registry};
    ///
    /// let own = Registry::new();
    /// let queue = own.circuit("queue", Config::new())?;
    /// queue.override_for(Override::Option("cooldown", "5s"), None, "10.0.0.7")?;
    /// let mut snapshot = queue.snapshot();
    /// assert_eq!(snapshot.sources.of("cooldown").to_string(), "override by 10.0.0.7");
    /// snapshot.withhold_names();
    /// assert_eq!(snapshot.sources.of("cooldown").to_string(), "override");
    /// assert_eq!(snapshot.overrides[0].by, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn withhold_names(&mut self) {
        if let Some(ordered) = &mut self.mode_override {
            ordered.by = None;
        }
        for overridden in &mut self.overrides {
            overridden.by = None;
        }
        self.sources.withhold_names();
        if let Some(fleet) = &mut self.fleet {
            fleet.prober = None;
        }
    }
}

impl OptionOverride {
    fn of(Overridden { option, value, by, end }: Overridden, now: Instant) -> Self {
        let (by, left) = ((!by.is_empty()).then_some(by), now.left_to(end).as_duration());
        Self { option, value, by, left }
    }
}

/// A snapshot of every circuit in a registry, sorted by name. `Display` writes an aligned table, worst circuits first.
///
/// * The table fits into 80 columns, or into the width you ask for (`{:120}`).
/// * Long names are shortened in the middle to at least 8 columns, and large numbers are abbreviated (`1.2M`).
///   [`circuits`](RegistrySnapshot::circuits) has them in full.
/// * A circuit in mode [`Observe`](crate::Mode::Observe) is marked: `open (observed)`, or `open*` if there is no room.
/// * With [`timings`](Config::timings), the column `P95` says how long 95 % of the successful calls took at most, if
///   there is room.
/// * Once a circuit has opened again, the column `OUTAGE` says how long circuits are [not closed](Outage), if there is
///   room.
/// * Control and invisible characters in names are escaped (`\u{202e}`).
/// * If the registry is in a fleet, the last line says whether it is connected.
/// * `{}` is plain text. `{:#}` colors the states with ANSI escape sequences, for terminals.
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
    /// One snapshot per circuit, sorted by name.
    pub circuits: Vec<Snapshot>,
    /// What is wrong with settings that were [refused](crate::Registry::refuse), until they are right.
    pub refused: Vec<String>,
    /// The connection to the fleet, if the registry is in one.
    pub fleet: Option<FleetStatus>,
}

/// Here and not in `circuit`, because a snapshot is a report: the circuit itself only hands out readings.
impl CircuitBreaker {
    /// Takes a consistent copy of the circuit's state, counts and rates.
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
        let Counted { reading, config, settings, calls, rejected, would_reject } = self.read();
        let Description {
            decided_by,
            sites,
            conflicts,
            conflict_count,
            sources,
            overridden,
            fleet,
        } = self.describe();
        let Timed { successes, failures, last_success } = self.timed(&settings);
        let now = self.clock().now();
        let overrides = overridden.into_iter().map(|it| OptionOverride::of(it, now)).collect();
        let judged =
            (reading.tally.calls >= settings.minimum_calls.into()).then_some(reading.tally);
        Snapshot {
            name: self.name().to_owned(),
            state: reading.state,
            since: reading.since,
            epoch: reading.epoch,
            trip_reason: reading.trip_reason,
            reopenings: reading.reopenings,
            outage: reading.outage,
            retry_after: reading.retry_after,
            probe_due: reading.probe_due,
            recovering_share: reading.recovering_share,
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
            would_reject,
            mode: reading.mode,
            transitions: reading.past.transitions.total(),
            transition_counts: reading.past.transitions,
            open_time: reading.past.open,
            last_failure: reading.last_failure,
            last_success: [last_success, reading.last_success].into_iter().flatten().min(),
            last_error: reading.last_error.as_deref().map(str::to_owned),
            trip_error: reading.trip_error.as_deref().map(str::to_owned),
            timings: successes,
            failure_timings: failures,
            mode_override: reading.mode_override,
            config,
            decided_by,
            sites,
            conflicts,
            conflict_count,
            sources,
            overrides,
            fleet,
            lease: reading.lease,
            vetoed: reading.vetoed,
        }
    }
}
