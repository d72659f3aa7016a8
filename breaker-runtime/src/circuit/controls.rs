//! Controls: switching a circuit by hand, for good or for a time.

use std::time::Duration;

use super::audience::Overridden;
use super::breaker::CircuitBreaker;
use crate::rules::{Instant, Machine, Order, Override};
use crate::settings::{ConfigErrors, Statement, tame};

/// Stands here because an operator uses it, and no call.
impl CircuitBreaker {
    /// Opens a closed or half-open circuit for one cooldown, as if on evidence. In other states it does nothing. It
    /// never extends a cooldown.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.trip();
    /// let rejected = circuit.try_acquire().unwrap_err();
    /// assert!(rejected.retry_after().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trip(&self) {
        self.control(Machine::trip);
    }

    /// Refuses every call until [`reset`](CircuitBreaker::reset). This is an
    /// [override](CircuitBreaker::override_for) by `code` without a time limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.force_open();
    /// let rejected = circuit.try_acquire().unwrap_err();
    /// assert_eq!(rejected.to_string(), r#"circuit "payments" is forced open until it is reset"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn force_open(&self) {
        self.control(Machine::force_open);
    }

    /// Admits every call and only counts it, until [`reset`](CircuitBreaker::reset). `max_concurrent` still applies.
    /// This is an [override](CircuitBreaker::override_for) by `code` without a time limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new().failure_threshold(1))?;
    /// circuit.disable();
    /// circuit.try_acquire()?.failure();
    /// assert_eq!(circuit.state(), State::Disabled);
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn disable(&self) {
        self.control(Machine::disable);
    }

    /// Closes the circuit from any state, clears its window and ends every
    /// [override](CircuitBreaker::override_for). Calls in flight count as late when they end. Totals stay.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.force_open();
    /// circuit.reset();
    /// assert!(circuit.try_acquire().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(&self) {
        self.control(Machine::reset);
    }

    /// Changes the circuit's mode, permanently or for a time. [`Registry::override_for`] does this by name.
    ///
    /// * `limit` is how long the override lasts. `None` and [`Duration::MAX`] mean until the next order.
    /// * `by` says who ordered it, for [snapshots](crate::Snapshot::mode_override). It may be empty. Control
    ///   and invisible characters are removed, and the text is cut to 128 bytes.
    ///
    /// An override with a limit ends by itself, on the circuit's clock, without a task or timer. The next call or
    /// control ends it, and a reader sees it as ended before that. The circuit then returns to the permanent override
    /// from before. If there was none, it closes with empty counts
    /// ([`Cause::OverrideEnded`](crate::Cause::OverrideEnded)).
    ///
    /// The latest order decides. It replaces an override with a limit even if both ask for the same mode.
    ///
    /// [`Registry::override_for`]: crate::Registry::override_for
    ///
    /// # Errors
    ///
    /// [`ConfigErrors`] if `limit` is zero. The circuit is then left as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, Mode, Override, State};
    ///
    /// let time = ManualClock::new();
    /// let clock = Clock::Manual(time.clone());
    /// let circuit = CircuitBreaker::with_clock("payments", Config::new(), clock)?;
    /// let minute = Duration::from_secs(60);
    /// circuit.override_for(Override::Mode(Mode::ForcedOpen), Some(minute), "10.0.0.7")?;
    /// assert!(circuit.try_acquire().is_err());
    ///
    /// time.advance(minute);
    /// assert_eq!(circuit.state(), State::Closed);
    /// assert!(circuit.try_acquire().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn override_for(
        &self,
        what: Override<'_>,
        limit: Option<Duration>,
        by: &str,
    ) -> Result<(), ConfigErrors> {
        match what {
            Override::Mode(mode) => {
                ConfigErrors::check(zero_limit(limit))?;
                let order = Order::by(by, mode, limit);
                self.control(|machine, now| machine.order(order, now));
                Ok(())
            }
            Override::Option(option, value) => self.override_option(option, value, limit, by),
        }
    }

    fn override_option(
        &self,
        option: &str,
        value: &str,
        limit: Option<Duration>,
        by: &str,
    ) -> Result<(), ConfigErrors> {
        let told = Statement::new(self.name(), option, value, by).read();
        let nowhere = self.membership.is_none().then(|| {
            format!(
                "`{option}` can only be overridden for a circuit of a registry; use `reconfigure`"
            )
        });
        let mistakes = told.as_ref().err().cloned().into_iter();
        ConfigErrors::check(mistakes.chain(nowhere).chain(zero_limit(limit)))?;
        let (Ok(told), Some(membership)) = (told, &self.membership) else { return Ok(()) };
        // The end is compared with the clock that calls read, which may be coarse.
        let now = self.clock.now();
        let end = limit.map_or(Instant::NEVER, |limit| now.after(limit));
        let (option, value, by) = (told.option.name, value.trim().to_owned(), tame(by));
        let shown = Overridden { option, value, by, end };
        let overridden = membership.of().override_option(told, shown);
        self.refit(&overridden.map_err(ConfigErrors::of_one)?);
        self.deliver();
        Ok(())
    }

    /// Ends all overrides of options. Orders about the [mode](crate::Mode) stay: [`reset`](CircuitBreaker::reset) ends
    /// those.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Config, Override, Registry};
    ///
    /// let own = Registry::new();
    /// let queue = own.circuit("queue", Config::new())?;
    /// queue.override_for(Override::Option("cooldown", "5s"), None, "10.0.0.7")?;
    /// assert_eq!(queue.snapshot().config.settings().cooldown, Duration::from_secs(5));
    /// queue.end_overrides();
    /// assert_eq!(queue.snapshot().config.settings().cooldown, Duration::from_secs(60));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn end_overrides(&self) {
        if let Some(membership) = &self.membership {
            self.refit(&membership.of().end_overrides());
            self.deliver();
        }
    }
}

/// What is wrong with an override's limit.
pub(crate) fn zero_limit(limit: Option<Duration>) -> Option<String> {
    let is_zero = limit.is_some_and(|limit| limit.is_zero());
    is_zero.then(|| "`limit` must be more than zero".to_owned())
}
