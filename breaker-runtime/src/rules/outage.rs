//! An outage: from the opening that ended the closed state until the circuit is closed again.

use std::time::Duration;

use super::TripReason;

/// How long a circuit has not been closed, and what opened it at first.
///
/// An outage begins when a closed circuit opens. It lasts through half-open states, re-openings and the recovery, and
/// ends when the circuit closes, also by [`reset`](crate::CircuitBreaker::reset).
///
/// * A closed circuit that is forced open or disabled is not in an outage: a person decided that, not the dependency.
/// * Such an order during an outage does not end it, because no probe has found the dependency well. The circuit
///   closes when the order ends, and the outage ends with that.
/// * In mode [`Observe`](crate::Mode::Observe) an outage is the same, although no call is refused.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
///
/// let time = ManualClock::new();
/// let circuit = CircuitBreaker::with_clock("payments", Config::new(), Clock::Manual(time.clone()))?;
/// for _ in 0..5 {
///     circuit.try_acquire()?.failure();
/// }
/// time.advance(Duration::from_secs(60));
/// // A probe, which opens the circuit again.
/// circuit.try_acquire()?.failure();
/// time.advance(Duration::from_secs(8));
///
/// let outage = circuit.snapshot().outage.unwrap();
/// assert_eq!(outage.since, Duration::from_secs(68));
/// assert_eq!(outage.first.to_string(), "5 failures in a row");
/// assert_eq!(outage.reopenings, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outage {
    /// How long the circuit has not been closed. Time in an earlier process counts, if the state was
    /// [restored](crate::Registry::restore).
    pub since: Duration,
    /// The reason of the first opening.
    pub first: TripReason,
    /// The re-openings since then. [`Snapshot::reopenings`](crate::Snapshot::reopenings) is the same number.
    pub reopenings: u32,
}
