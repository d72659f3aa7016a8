//! A circuit in a fleet: how it takes advice, and what readers see of the fleet.

use std::time::Duration;

use super::breaker::CircuitBreaker;
use crate::rules::{Advice, Advised, Machine};

/// Stands here because no call ever needs it.
impl CircuitBreaker {
    /// Takes advice of a fleet. The advice counts for `trusted_for`, so a fleet that falls silent holds nothing for
    /// longer. Later advice replaces it.
    ///
    /// Advice never blocks a call, and costs a closed circuit nothing. Circuits that are forced open or disabled ignore
    /// it. An [observed](crate::Mode::Observe) circuit follows it, and refuses no call.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{
    ///     Advice, Advised, CircuitBreaker, Clock, Config, Lease, ManualClock, Opening, State,
    /// };
    ///
    /// let time = ManualClock::new();
    /// let clock = Clock::Manual(time.clone());
    /// let circuit = CircuitBreaker::with_clock("payments", Config::new(), clock)?;
    /// let (minute, trusted_for) = (Duration::from_secs(60), Duration::from_secs(600));
    ///
    /// let verdict = Opening::new(minute).votes(3).of_members(8).needed(3);
    /// assert_eq!(circuit.advise(Advice::Open(verdict), trusted_for), Advised::Followed);
    /// let explained = circuit.snapshot().explain();
    /// assert!(explained.starts_with("open for 0s: 3 of 8 members voted to open it"));
    ///
    /// time.advance(minute);
    /// assert!(circuit.try_acquire().is_err()); // the fleet must be asked first
    /// assert_eq!(circuit.snapshot().lease, Some(Lease::Unasked));
    ///
    /// circuit.advise(Advice::Probe(minute), trusted_for);
    /// let probe = circuit.try_acquire()?;
    /// assert_eq!(circuit.state(), State::HalfOpen);
    /// probe.failure();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advise(&self, advice: Advice, trusted_for: Duration) -> Advised {
        let take = |machine: &mut Machine, now| {
            let good = self.good(machine);
            machine.advise(advice, trusted_for, good, now)
        };
        let advised = self.locked(self.clock.now(), take, |_| None);
        self.deliver();
        advised
    }

    /// What is left of the cooldown of a circuit that is open on its own evidence, which is its vote in a fleet.
    /// `Duration::MAX` if the cooldown has no end, and `None` for any other circuit. Nothing that a fleet adds counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Advice, CircuitBreaker, Config, Opening};
    ///
    /// let minute = Duration::from_secs(60);
    /// let circuit = CircuitBreaker::new("payments", Config::new().failure_threshold(1))?;
    /// assert_eq!(circuit.evidence_left(), None);
    /// circuit.try_acquire()?.failure();
    /// circuit.advise(Advice::Open(Opening::new(5 * minute)), minute);
    /// assert!(circuit.evidence_left().unwrap() <= minute);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn evidence_left(&self) -> Option<Duration> {
        self.machine.lock().evidence_left(self.clock.now())
    }
}

/// What a fleet says about one circuit.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, Registry};
///
/// let own = Registry::new();
/// own.circuit("payments", Config::new())?;
/// assert!(own.snapshot_of("payments").unwrap().fleet.is_none()); // it is in no fleet
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetView {
    /// How members decide: `quorum` or `any`.
    pub policy: &'static str,
    /// The members that found the dependency sick. Once the circuit is open everywhere, those that opened it, until
    /// their votes and the probes after them are over.
    pub votes: u32,
    /// The votes that open the circuit everywhere. 0 while the fleet is not connected: then the circuit acts as if
    /// alone.
    pub needed: u32,
    /// The live members.
    pub members: u32,
    /// Whether this member is one of those that voted.
    pub has_voted: bool,
    /// The id of the member that probes for all. [`Snapshot::lease`](crate::Snapshot::lease) says whether it is this
    /// one.
    pub prober: Option<String>,
    /// The number of different settings among the members that voted. More than 1 means that they disagree.
    pub settings: u32,
}

impl FleetView {
    /// Whether the fleet is connected.
    pub(crate) fn is_heard(&self) -> bool {
        self.needed > 0
    }
}

/// The connection of a registry to its fleet.
///
/// # Examples
///
/// ```
/// assert!(breaker_runtime::Registry::new().snapshot().fleet.is_none()); // it is in no fleet
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetStatus {
    /// The name that the members share.
    pub namespace: String,
    /// What connects them, without a password. Empty if withheld.
    pub engine: String,
    /// The id of this member. Empty if withheld.
    pub member: String,
    /// Whether the engine answers. If it does not, circuits act as if alone.
    pub connected: bool,
    /// How long that has been so.
    pub since: Duration,
    /// Why it is not connected.
    pub why: Option<String>,
    /// The live members, this one included. 0 if that is not known.
    pub members: u32,
    /// How often the connection was lost.
    pub disconnects: u64,
}

impl FleetStatus {
    /// Removes where the engine is and which member this is, for readers who may not know.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut status = breaker_runtime::FleetStatus::default();
    /// status.engine = "redis://redis.internal/".to_owned();
    /// status.withhold_names();
    /// assert_eq!(status.engine, "");
    /// ```
    pub fn withhold_names(&mut self) {
        self.engine.clear();
        self.member.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Clock, ManualClock};
    use crate::rules::Opening;
    use crate::settings::Config;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn f04_f05_a_refusal_names_the_whole_time_of_a_vote_and_of_a_lease() {
        let clock = Clock::Manual(ManualClock::new());
        let config = Config::new().cooldown(SECOND).probe_timeout(SECOND * 30);
        let circuit = CircuitBreaker::with_clock("voted", config, clock).unwrap();
        let waits = || {
            let refused = circuit.try_acquire().expect_err("it is open");
            assert_eq!(refused.retry_after(), circuit.snapshot().retry_after);
            refused.retry_after()
        };
        circuit.advise(Advice::Open(Opening::new(SECOND * 8)), SECOND * 60);
        assert_eq!(waits(), Some(SECOND * 8));
        circuit.advise(Advice::Wait(SECOND * 20), SECOND * 60);
        assert_eq!(waits(), Some(SECOND * 20));
    }
}
