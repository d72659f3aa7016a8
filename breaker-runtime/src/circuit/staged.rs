//! What only tests do to a circuit: states that no control makes, and errors that no call made.

use std::time::Duration;

use super::audience::Terms;
use super::breaker::CircuitBreaker;
use super::clock::{Clock, ManualClock};
use super::delay::Delay;
use super::error::{Rejected, TimedOut};
use super::permit::Permit;
use crate::rules::{Instant, Machine, Refusal, RejectedReason};
use crate::settings::{Config, Name};

/// In a separate file, because nothing of it exists without feature `test-util`.
impl CircuitBreaker {
    /// Opens a circuit for a whole cooldown, from any state.
    pub(crate) fn become_open(&self) {
        self.control(Machine::become_open);
    }

    /// Makes a circuit half-open, from any state.
    pub(crate) fn become_half_open(&self) {
        self.control(Machine::become_half_open);
    }

    /// Counts a call that is refused as by an open circuit, tells listeners, and returns a circuit of the same name that
    /// refuses it. That one is in no registry and has only the cooldown of this one. Its clock never moves, so it
    /// refuses in every mode and after the shortest cooldown.
    pub(crate) fn refuse_by_twin(&self) -> Self {
        let cooldown = self.config().settings().cooldown;
        self.refuse(Refusal::open(Instant::ZERO.left_to(Instant::ZERO.after(cooldown))));
        self.deliver();
        let terms = Terms::of(Config::new().cooldown(cooldown));
        let clock = Clock::Manual(ManualClock::new());
        let twin = Self::valid(self.name.clone(), &terms, clock, None);
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
