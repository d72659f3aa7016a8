//! What only tests do to a circuit: states that no control makes, and errors that no call made.

use std::time::Duration;

use super::audience::{Terms, Topic};
use super::breaker::CircuitBreaker;
use super::delay::Delay;
use super::error::{Rejected, TimedOut};
use super::permit::Permit;
use crate::rules::{Instant, Machine, Refusal, RejectedReason};
use crate::settings::Name;

/// In a separate file, because nothing of it exists without feature `test-util`.
impl CircuitBreaker {
    /// Makes a circuit half-open, from any state.
    pub(crate) fn become_half_open(&self) {
        self.control(Machine::become_half_open);
    }

    /// Counts a refusal that another made, and tells listeners.
    pub(crate) fn count_refusal(&self, rejected: &Rejected) {
        if let Some(membership) = &self.membership
            && let Some(audience) = membership.audience(Topic::Calls)
        {
            audience.post_refusal(rejected.refusal());
        }
        self.reject(rejected.refusal());
        self.deliver();
    }

    /// A circuit of the same name and config, which is open and in no registry.
    pub(crate) fn refusing_twin(&self) -> Self {
        let twin =
            Self::valid(self.name.clone(), &Terms::of(self.config()), self.clock.kind(), None);
        twin.trip();
        twin
    }
}

impl<'a> Permit<'a> {
    pub(crate) fn circuit(&self) -> &'a CircuitBreaker {
        self.breaker
    }

    /// The body runs only after that time, on tokio's clock.
    pub(crate) fn delay(&mut self, delay: Duration) {
        *self.delay_mut() = Delay::of(delay);
    }
}

impl Rejected {
    /// A refusal that no circuit made, for tests of code that handles one. Only with feature `test-util`.
    ///
    /// [`retry_after`](Rejected::retry_after) returns the time only for [`RejectedReason::Open`], as for refusals by a
    /// circuit.
    ///
    /// # Panics
    ///
    /// If no circuit can have that name.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Rejected, RejectedReason};
    ///
    /// let minute = Some(Duration::from_secs(60));
    /// let rejected = Rejected::for_test("prices", RejectedReason::Open, minute);
    /// assert_eq!(rejected.to_string(), r#"circuit "prices" is open; retry in 1m"#);
    /// assert_eq!(rejected.retry_after(), minute);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn for_test(name: &str, reason: RejectedReason, retry_after: Option<Duration>) -> Self {
        let end = retry_after.map_or(Instant::NEVER, |left| Instant::ZERO.after(left));
        Self::new(checked(name), Refusal { reason, left: Instant::ZERO.left_to(end) })
    }
}

impl TimedOut {
    /// A timeout that no call ran into, for tests of code that handles one. Only with feature `test-util`.
    ///
    /// # Panics
    ///
    /// If no circuit can have that name.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::TimedOut;
    ///
    /// let timed_out = TimedOut::for_test("prices", Duration::from_secs(2));
    /// assert_eq!(timed_out.to_string(), r#"call through circuit "prices" timed out after 2s"#);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn for_test(name: &str, after: Duration) -> Self {
        Self::new(checked(name), after)
    }
}

#[track_caller]
fn checked(name: &str) -> Name {
    match Name::shared(name.into()) {
        Ok(name) => name,
        Err(error) => panic!("{error}"),
    }
}
