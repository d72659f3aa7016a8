//! States, transitions between them, and their causes.

use std::fmt;
use std::time::Duration;

use crate::settings::Readable;

/// The state of a circuit.
///
/// # Examples
///
/// ```
/// use breaker_runtime::State;
///
/// assert_eq!(State::HalfOpen.to_string(), "half_open");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Calls run, and their outcomes are recorded.
    Closed,
    /// Calls are refused until the cooldown is over.
    Open,
    /// A few calls, the probes, run to find out whether the dependency has recovered.
    HalfOpen,
    /// Calls are refused until [`reset`](crate::CircuitBreaker::reset), or until the
    /// [override](crate::Registry::override_for) ends. Only set manually.
    ForcedOpen,
    /// Calls run and are only counted, until reset or until the override ends. Only set manually.
    Disabled,
    /// The dependency has just recovered: a growing share of the calls runs, the others are refused.
    Recovering,
}

impl State {
    /// All states.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::State;
    ///
    /// assert!(State::ALL.iter().any(|state| state.as_str() == "recovering"));
    /// ```
    pub const ALL: &'static [Self] = &[
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::ForcedOpen,
        Self::Disabled,
        Self::Recovering,
    ];

    /// The word that `Display`, metrics and logs use.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::State;
    ///
    /// assert_eq!(State::ForcedOpen.as_str(), "forced_open");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::Disabled => "disabled",
            Self::Recovering => "recovering",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which rule opened a circuit.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, TripKind};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// circuit.trip();
/// assert_eq!(circuit.snapshot().trip_reason.unwrap().kind, TripKind::Manual);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TripKind {
    /// `failure_threshold` consecutive failures.
    ConsecutiveFailures,
    /// The share of failed calls in the window reached `failure_rate`.
    FailureRate,
    /// The share of slow calls in the window reached `slow_call_rate`.
    SlowCallRate,
    /// `half_open_failure_threshold` probes failed.
    FailedProbes,
    /// [`trip`](crate::CircuitBreaker::trip) was called.
    Manual,
    /// A failure [asked](crate::Permit::failure_for) to stay away for a time.
    Asked,
    /// Enough members of the fleet [voted](crate::Advice::Open) to open it.
    Fleet,
}

impl TripKind {
    /// The word that metrics and JSON use.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::TripKind;
    ///
    /// assert_eq!(TripKind::SlowCallRate.as_str(), "slow_call_rate");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::FailureRate => "failure_rate",
            Self::SlowCallRate => "slow_call_rate",
            Self::FailedProbes => "failed_probes",
            Self::Manual => "manual",
            Self::Asked => "asked",
            Self::Fleet => "fleet",
        }
    }

    /// Whether calls of the circuit itself opened it.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::TripKind;
    ///
    /// assert!(TripKind::FailedProbes.is_evidence());
    /// assert!(!TripKind::Manual.is_evidence() && !TripKind::Fleet.is_evidence());
    /// ```
    #[must_use]
    pub const fn is_evidence(self) -> bool {
        !matches!(self, Self::Manual | Self::Fleet)
    }
}

impl fmt::Display for TripKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What opened a circuit, and the numbers that decided it. Available until the circuit closes.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, TripKind};
///
/// let circuit = CircuitBreaker::new("payments", Config::new().failure_threshold(1))?;
/// let _ = circuit.call(|| Err::<(), _>("down"));
///
/// let reason = circuit.snapshot().trip_reason.unwrap();
/// assert_eq!(reason.kind, TripKind::ConsecutiveFailures);
/// assert_eq!(reason.failed, 1);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TripReason {
    /// The rule.
    pub kind: TripKind,
    /// Failed calls of the run, of the window, or of the probes, depending on `kind`. The votes, if the fleet opened
    /// it.
    pub failed: u32,
    /// Slow calls among `calls`.
    pub slow: u32,
    /// The calls that were judged. The live members, if the fleet opened it.
    pub calls: u32,
    /// How many of the failures since the last good call [hung](crate::Config::hung_after). They counted before they
    /// ended.
    #[cfg_attr(feature = "serde", serde(default))]
    pub hung: u32,
    /// The share that was judged, if the rule is a rate.
    pub share: Option<f64>,
    /// The limit that was reached: a share for a rate, otherwise a number of calls or votes, or
    /// the seconds that were asked for. `None` for a manual trip.
    pub threshold: Option<f64>,
}

impl TripReason {
    pub(crate) const MANUAL: Self = Self {
        kind: TripKind::Manual,
        failed: 0,
        slow: 0,
        calls: 0,
        hung: 0,
        share: None,
        threshold: None,
    };
}

impl fmt::Display for TripReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Reason(*self, None).fmt(f)
    }
}

/// A reason in words, with the `hung_after` of the circuit if it is known.
pub(crate) struct Reason(pub(crate) TripReason, pub(crate) Option<Duration>);

impl Reason {
    fn write_hung(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hung")?;
        self.1.map_or(Ok(()), |limit| write!(f, " for over {}", Readable(limit)))
    }

    fn write_hung_of_rate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.hung == 0 {
            return Ok(());
        }
        write!(f, ", and {} ", self.0.hung)?;
        self.write_hung(f)?;
        f.write_str(" since the last success")
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TripReason { failed, slow, calls, hung, threshold, .. } = self.0;
        match self.0.kind {
            TripKind::ConsecutiveFailures if hung == failed => {
                write!(f, "{hung} {} ", plural(hung, "call"))?;
                self.write_hung(f)
            }
            TripKind::ConsecutiveFailures => {
                write!(f, "{failed} {} in a row", plural(failed, "failure"))?;
                if hung == 0 {
                    return Ok(());
                }
                write!(f, ", {hung} of them ")?;
                self.write_hung(f)
            }
            TripKind::FailureRate if calls == 1 && hung == 1 => {
                f.write_str("the last call ")?;
                self.write_hung(f)
            }
            TripKind::FailureRate if calls == 1 => f.write_str("the last call failed"),
            TripKind::FailureRate => {
                write!(f, "{failed} of the last {calls} calls failed")?;
                self.write_hung_of_rate(f)
            }
            TripKind::SlowCallRate if calls == 1 => f.write_str("the last call was slow"),
            TripKind::SlowCallRate => {
                write!(f, "{slow} of the last {calls} calls were slow")?;
                self.write_hung_of_rate(f)
            }
            TripKind::FailedProbes if slow == failed => {
                write!(f, "{slow} {} too slow", if slow == 1 { "probe was" } else { "probes were" })
            }
            TripKind::FailedProbes => write!(f, "{failed} {} failed", plural(failed, "probe")),
            TripKind::Manual => f.write_str("trip()"),
            TripKind::Asked => {
                let asked = Duration::try_from_secs_f64(threshold.unwrap_or_default());
                write!(f, "a failure asked for {}", Readable(asked.unwrap_or(Duration::MAX)))
            }
            TripKind::Fleet => {
                write!(f, "{failed} of {calls} {} voted to open it", plural(calls, "member"))
            }
        }
    }
}

/// A change of state, or a reset.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Cause, Config, EventKind, State, registry};
///
/// let _subscription = registry().subscribe(|event| {
///     if let EventKind::Transition(transition) = &event.kind {
///         assert_eq!((transition.from, transition.to), (State::Closed, State::ForcedOpen));
///         assert_eq!(transition.cause, Cause::ForcedOpen);
///         assert_eq!(transition.to_string(), "closed -> forced_open: force_open()");
///     }
/// });
/// registry().get_or_create("payments", Config::new())?.force_open();
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Transition {
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The cause.
    pub cause: Cause,
    /// The time until a probe may run, if the circuit opened. `None` also if it stays open until reset.
    pub retry_after: Option<Duration>,
    /// Whether the circuit only observes, so that no call is refused in any state.
    pub observed: bool,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let observed = if self.observed { " (observed)" } else { "" };
        write!(f, "{} -> {}: {}{observed}", self.from, self.to, self.cause)
    }
}

/// Why a circuit changed state.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use breaker_runtime::{Cause, Config, EventKind, Registry};
///
/// let own = Registry::new();
/// let mail = own.circuit("mail", Config::new())?;
/// let (told, heard) = mpsc::channel();
/// let _subscription = own.subscribe(move |event| {
///     if let EventKind::Transition(transition) = &event.kind {
///         let _ = told.send(transition.cause);
///     }
/// });
/// mail.disable();
/// mail.reset();
/// assert_eq!(heard.try_iter().collect::<Vec<_>>(), [Cause::Disabled, Cause::Reset]);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// The circuit tripped, on evidence or by `trip()`.
    Tripped(TripReason),
    /// The cooldown was over, and a call came.
    CooldownOver,
    /// This number of probes succeeded.
    Recovered(u64),
    /// [`reset`](crate::CircuitBreaker::reset) was called.
    Reset,
    /// [`force_open`](crate::CircuitBreaker::force_open) was called, or an override asked for it.
    ForcedOpen,
    /// [`disable`](crate::CircuitBreaker::disable) was called, or an override asked for it.
    Disabled,
    /// An [override](crate::Registry::override_for) with a time limit ended.
    OverrideEnded,
    /// The settings now ask for another [mode](crate::Mode).
    Configured,
    /// [`Registry::restore`](crate::Registry::restore) opened it as it was in an earlier process.
    Restored(TripReason),
    /// The probes of another member of the fleet [succeeded](crate::Advice::Close).
    RecoveredElsewhere,
    /// The time of `recovery` is over, and a call came.
    RecoveryOver,
    /// It probed for its fleet, and its [lease](crate::Lease) ended without a verdict.
    LeaseEnded,
}

impl Cause {
    /// The word that JSON uses.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Cause;
    ///
    /// assert_eq!(Cause::Recovered(3).as_str(), "recovered");
    /// assert_eq!(Cause::Recovered(3).to_string(), "3 good probes");
    /// ```
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Tripped(_) => "tripped",
            Self::CooldownOver => "cooldown_over",
            Self::Recovered(_) => "recovered",
            Self::Reset => "reset",
            Self::ForcedOpen => "forced_open",
            Self::Disabled => "disabled",
            Self::OverrideEnded => "override_ended",
            Self::Configured => "configured",
            Self::Restored(_) => "restored",
            Self::RecoveredElsewhere => "recovered_elsewhere",
            Self::RecoveryOver => "recovery_over",
            Self::LeaseEnded => "lease_ended",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tripped(reason) => reason.fmt(f),
            Self::CooldownOver => f.write_str("the cooldown is over"),
            Self::Recovered(1) => f.write_str("1 good probe"),
            Self::Recovered(successes) => write!(f, "{successes} good probes"),
            Self::Reset => f.write_str("reset()"),
            Self::ForcedOpen => f.write_str("force_open()"),
            Self::Disabled => f.write_str("disable()"),
            Self::OverrideEnded => f.write_str("the override ended"),
            Self::Configured => f.write_str("its settings changed"),
            Self::Restored(reason) => write!(f, "restored: {reason}"),
            Self::RecoveredElsewhere => f.write_str("the probes of another member succeeded"),
            Self::RecoveryOver => f.write_str("the recovery is over"),
            Self::LeaseEnded => f.write_str("its lease to probe ended"),
        }
    }
}

/// `noun`, or `nouns` if `count` is not 1.
pub(crate) fn plural(count: u32, noun: &'static str) -> impl fmt::Display {
    struct Plural(bool, &'static str);
    impl fmt::Display for Plural {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.1)?;
            if self.0 { f.write_str("s") } else { Ok(()) }
        }
    }
    Plural(count != 1, noun)
}
