//! Counts of transitions, by states before and after.

use crate::rules::State;

/// The transitions that a circuit makes by itself.
const BY_ITSELF: [(State, State); 4] = [
    (State::Closed, State::Open),
    (State::Open, State::HalfOpen),
    (State::HalfOpen, State::Closed),
    (State::HalfOpen, State::Open),
];

/// Counts a circuit's transitions since it was made, by states before and after.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, State};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// circuit.trip();
/// circuit.reset();
/// circuit.trip();
/// let counts = circuit.snapshot().transition_counts;
/// assert_eq!(counts.get(State::Closed, State::Open), 2);
/// assert_eq!(counts.get(State::Open, State::Closed), 1);
/// assert_eq!(counts.total(), 3);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransitionCounts([[u64; State::ALL.len()]; State::ALL.len()]);

impl TransitionCounts {
    /// The number of transitions between two states. A reset of a closed circuit is not a transition.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.trip();
    /// assert_eq!(circuit.snapshot().transition_counts.get(State::Closed, State::Open), 1);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn get(&self, from: State, to: State) -> u64 {
        self.0[from as usize][to as usize]
    }

    /// The number of all transitions.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.trip();
    /// circuit.reset();
    /// assert_eq!(circuit.snapshot().transition_counts.total(), 2);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().flatten().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The transitions that have happened: before, after, count.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.disable();
    /// let taken: Vec<_> = circuit.snapshot().transition_counts.iter().collect();
    /// assert_eq!(taken, [(State::Closed, State::Disabled, 1)]);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (State, State, u64)> + use<> {
        let counts = *self;
        let pairs = State::ALL.iter().flat_map(|from| State::ALL.iter().map(|to| (*from, *to)));
        pairs
            .map(move |(from, to)| (from, to, counts.get(from, to)))
            .filter(|(.., count)| *count > 0)
    }

    /// The transitions that metrics show: before, after, count. Those that a circuit makes by itself are shown from
    /// the start, so that the first of them is an increase. The others are shown once they have happened.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// let shown: Vec<_> = circuit.snapshot().transition_counts.for_metrics().collect();
    /// assert!(shown.contains(&(State::Closed, State::Open, 0)));
    /// assert!(!shown.contains(&(State::Closed, State::Disabled, 0)));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn for_metrics(&self) -> impl Iterator<Item = (State, State, u64)> + use<> {
        let counts = *self;
        let by_itself = BY_ITSELF.map(|(from, to)| (from, to, counts.get(from, to)));
        let others = counts.iter().filter(|(from, to, _)| !BY_ITSELF.contains(&(*from, *to)));
        by_itself.into_iter().chain(others)
    }

    pub(crate) fn add(&mut self, from: State, to: State, count: u64) {
        let known = &mut self.0[from as usize][to as usize];
        *known = known.saturating_add(count);
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        for (from, to, count) in other.iter() {
            self.add(from, to, count);
        }
    }
}
