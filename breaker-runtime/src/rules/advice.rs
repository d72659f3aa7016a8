//! Advice: what a fleet tells a member about one circuit. The circuit decides what to do with it.

use std::time::Duration;

use super::{TripKind, TripReason};

/// What a fleet tells a member about one circuit, for [`CircuitBreaker::advise`](crate::CircuitBreaker::advise).
///
/// Most programs never use this type: the crate `breaker-fleet` does. It is public so that other crates can connect
/// processes by other means.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Advice, CircuitBreaker, Config, Opening, State};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// let minute = Duration::from_secs(60);
/// circuit.advise(Advice::Open(Opening::new(minute)), 5 * minute);
/// assert_eq!(circuit.state(), State::Open);
/// circuit.advise(Advice::Close, 5 * minute);
/// assert_eq!(circuit.state(), State::Closed);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Advice {
    /// Enough members found the dependency sick: open.
    ///
    /// * A closed circuit opens for [`left`](Opening::left), unless its own calls are good. Then it stays closed, and
    ///   [`Snapshot::vetoed`](crate::Snapshot::vetoed) says so.
    /// * An open circuit stays open for at least that long. Its own cooldown stays what it is.
    /// * If nothing is left, a closed circuit stays closed.
    Open(Opening),
    /// Ask before you probe. An open circuit whose cooldown is over refuses calls, and the first of them causes
    /// [`EventKind::ProbeWanted`](crate::EventKind::ProbeWanted). A circuit that is probing with a lease opens again.
    ///
    /// If it gets no lease for `cooldown_max` or `probe_timeout` after that, whichever is longer, it probes as if
    /// alone.
    Ask,
    /// Another member has the lease for that long at most. Wait. A circuit that is probing with a lease opens again.
    Wait(Duration),
    /// This member has the lease for that long: probe. A circuit that is half-open already probes by the lease from
    /// then on: if the lease ends without a verdict, it opens again.
    Probe(Duration),
    /// The probes of another member succeeded: close.
    Close,
    /// Forget all advice, and act as if alone.
    Alone,
}

/// The verdict of a fleet that a circuit must open.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::Opening;
///
/// let verdict = Opening::new(Duration::from_secs(60)).votes(3).of_members(8).needed(3);
/// assert_eq!(verdict.left(), Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    left: Duration,
    votes: u32,
    members: u32,
    needed: u32,
    reopenings: u32,
}

impl Opening {
    /// The fleet holds the circuit open for that long.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Advice, CircuitBreaker, Clock, Config, ManualClock, Opening};
    ///
    /// let clock = Clock::Manual(ManualClock::new());
    /// let circuit = CircuitBreaker::with_clock("payments", Config::new(), clock)?;
    /// let minute = Duration::from_secs(60);
    /// circuit.advise(Advice::Open(Opening::new(minute)), 5 * minute);
    /// assert_eq!(circuit.snapshot().retry_after, Some(minute));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn new(left: Duration) -> Self {
        Self { left, votes: 1, members: 1, needed: 1, reopenings: 0 }
    }

    /// The members that found the dependency sick.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Advice, CircuitBreaker, Config, Opening};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// let minute = Duration::from_secs(60);
    /// circuit.advise(Advice::Open(Opening::new(minute).votes(3)), minute);
    /// assert_eq!(circuit.snapshot().trip_reason.unwrap().failed, 3);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn votes(self, votes: u32) -> Self {
        Self { votes, ..self }
    }

    /// The live members.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Advice, CircuitBreaker, Config, Opening};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// let minute = Duration::from_secs(60);
    /// circuit.advise(Advice::Open(Opening::new(minute).votes(3).of_members(8)), minute);
    /// let reason = circuit.snapshot().trip_reason.unwrap();
    /// assert_eq!(reason.to_string(), "3 of 8 members voted to open it");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn of_members(self, members: u32) -> Self {
        Self { members, ..self }
    }

    /// The votes that were needed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Advice, CircuitBreaker, Config, Opening};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// let minute = Duration::from_secs(60);
    /// circuit.advise(Advice::Open(Opening::new(minute).votes(3).needed(2)), minute);
    /// assert_eq!(circuit.snapshot().trip_reason.unwrap().threshold, Some(2.0));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn needed(self, needed: u32) -> Self {
        Self { needed, ..self }
    }

    /// The re-openings so far, for `cooldown_multiplier`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Advice, CircuitBreaker, Config, Opening};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// let minute = Duration::from_secs(60);
    /// circuit.advise(Advice::Open(Opening::new(minute).reopenings(4)), minute);
    /// assert_eq!(circuit.snapshot().reopenings, 4);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn reopenings(self, reopenings: u32) -> Self {
        Self { reopenings, ..self }
    }

    /// What is left of the longest vote.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Opening;
    ///
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(Opening::new(minute).left(), minute);
    /// ```
    #[must_use]
    pub const fn left(&self) -> Duration {
        self.left
    }

    pub(crate) const fn escalation(&self) -> u32 {
        self.reopenings
    }

    pub(crate) fn reason(&self) -> TripReason {
        TripReason {
            kind: TripKind::Fleet,
            failed: self.votes,
            slow: 0,
            calls: self.members,
            hung: 0,
            share: None,
            threshold: Some(self.needed.into()),
        }
    }
}

/// What a circuit did with [`Advice`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Advice, Advised, CircuitBreaker, Config, Opening};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// let minute = Duration::from_secs(60);
/// let open = Advice::Open(Opening::new(minute));
/// assert_eq!(circuit.advise(open, minute), Advised::Followed);
/// circuit.disable();
/// assert_eq!(circuit.advise(open, minute), Advised::Ignored);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Advised {
    /// It acts on it.
    Followed,
    /// It stays closed, because its own calls are good.
    Vetoed,
    /// The advice does not concern a circuit in its state.
    Ignored,
}

/// Whether an open circuit of a fleet may probe.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Advice, CircuitBreaker, Clock, Config, Lease, ManualClock, Opening};
///
/// let time = ManualClock::new();
/// let circuit = CircuitBreaker::with_clock("payments", Config::new(), Clock::Manual(time.clone()))?;
/// let minute = Duration::from_secs(60);
/// circuit.advise(Advice::Open(Opening::new(minute)), 10 * minute);
/// time.advance(minute);
/// circuit.advise(Advice::Wait(minute), 10 * minute);
/// assert_eq!(circuit.snapshot().lease, Some(Lease::Other(minute)));
/// circuit.advise(Advice::Probe(minute), 10 * minute);
/// assert_eq!(circuit.snapshot().lease, Some(Lease::Own(minute)));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lease {
    /// The fleet must be asked first.
    Unasked,
    /// Another member probes, for that long at most.
    Other(Duration),
    /// This member probes, for that long at most.
    Own(Duration),
}
