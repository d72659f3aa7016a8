//! Permits: the right to make one call, settled exactly once.

use std::mem::ManuallyDrop;
use std::thread;
use std::time::Duration;

use super::breaker::CircuitBreaker;
use super::claim::Claim;
use super::delay::Delay;
use super::error::TimedOut;
use super::said::Said;
use super::word::Epoch;
use crate::rules::{Ending, Instant, Outcome};

/// The right to make one call, from [`CircuitBreaker::try_acquire`].
///
/// Settle it with [`success`](Permit::success), [`failure`](Permit::failure), [`ignore`](Permit::ignore) or
/// [`record`](Permit::record). Dropping it means cancelled: no outcome is recorded, and its slot is freed. If a panic
/// that began after `try_acquire` drops it, the call failed.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let circuit = CircuitBreaker::new("payments", Config::new())?;
/// if let Ok(permit) = circuit.try_acquire() {
///     // ... make the call ...
///     permit.success();
/// }
/// assert_eq!(circuit.snapshot().calls.success, 1);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping a permit cancels the call it was given for"]
pub struct Permit<'a> {
    pub(super) breaker: &'a CircuitBreaker,
    claim: Claim,
    /// When the call began, if the circuit times its calls.
    began: Instant,
    if_dropped: IfDropped,
    delay: Delay,
}

/// A permit without its circuit.
#[derive(Debug)]
pub(super) struct Leave {
    pub(super) claim: Claim,
    pub(super) began: Instant,
    pub(super) if_dropped: IfDropped,
}

/// A call of a closed circuit that was admitted and counted. Turn it into a permit.
#[derive(Debug)]
#[must_use = "without its permit, the call never ends"]
pub struct Admission<'a> {
    breaker: &'a CircuitBreaker,
    epoch: Epoch,
}

impl<'a> Admission<'a> {
    #[inline]
    pub(crate) fn new(breaker: &'a CircuitBreaker, epoch: Epoch) -> Self {
        Self { breaker, epoch }
    }

    /// The permit. If it is dropped unsettled, the body panicked.
    #[inline]
    pub fn permit(self) -> Permit<'a> {
        self.permit_for(IfDropped::Panicked)
    }

    #[inline]
    pub(crate) fn permit_for(self, if_dropped: IfDropped) -> Permit<'a> {
        Permit::new(self.breaker, Claim::of(self.epoch), Instant::ZERO, if_dropped)
    }
}

/// What dropping an unsettled permit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfDropped {
    /// The user holds it: a failure if a panic began meanwhile, cancelled otherwise.
    Bare { panicking: bool },
    /// We hold it while code runs that can only leave by returning or by a panic.
    Panicked,
    /// We hold it while a future is suspended: it ends like this.
    Suspended(Ending),
    /// It is settled already.
    Settled,
}

impl IfDropped {
    pub(crate) fn bare() -> Self {
        Self::Bare { panicking: thread::panicking() }
    }

    /// Takes the parts of the permit: so it need not have an address while the call runs.
    #[cold]
    #[inline(never)]
    fn settle(self, breaker: &CircuitBreaker, claim: Claim, began: Instant) {
        let ending = match self {
            Self::Settled => return,
            Self::Suspended(ending) => ending,
            Self::Bare { panicking } if panicking || !thread::panicking() => Ending::Cancelled,
            Self::Bare { .. } | Self::Panicked => {
                breaker.count_panic();
                Ending::Failure
            }
        };
        breaker.settle(claim, began, ending);
    }
}

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(
        breaker: &'a CircuitBreaker,
        claim: Claim,
        began: Instant,
        if_dropped: IfDropped,
    ) -> Self {
        Self { breaker, claim, began, if_dropped, delay: Delay::NONE }
    }

    /// Records a success.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.try_acquire()?.success();
    /// assert_eq!(circuit.snapshot().calls.success, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn success(self) {
        self.settle(Ending::Success);
    }

    /// Records a failure.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.try_acquire()?.failure();
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure(self) {
        self.settle(Ending::Failure);
    }

    /// Records a failure that says how long to stay away, such as an HTTP answer with `Retry-After`. The circuit opens
    /// for that long, at most for [`open_for_max`](crate::Config::open_for_max). Zero is a plain failure.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let clock = Clock::Manual(ManualClock::new());
    /// let circuit = CircuitBreaker::with_clock("search", Config::new(), clock)?;
    /// circuit.try_acquire()?.failure_for(Duration::from_secs(120));
    /// assert_eq!(
    ///     circuit.snapshot().explain(),
    ///     "open for 0s: a failure asked for 2m; probes in 2m"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure_for(self, open_for: Duration) {
        self.fail(Said { open_for, words: None });
    }

    /// Records a failure, with what it says.
    pub(crate) fn fail(self, said: Said) {
        if said.is_nothing() {
            return self.settle(Ending::Failure);
        }
        let permit = ManuallyDrop::new(self);
        permit.breaker.settle_saying(permit.claim, permit.began, said);
    }

    /// Records that the call says nothing about the dependency.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.try_acquire()?.ignore();
    /// assert_eq!(circuit.snapshot().calls.ignored, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ignore(self) {
        self.settle(Ending::Ignored);
    }

    /// Records the outcome.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// circuit.try_acquire()?.record(Outcome::Failure);
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record(self, outcome: Outcome) {
        self.settle(outcome.into());
    }

    /// What the permit holds besides its circuit.
    #[inline]
    pub(super) fn into_leave(self) -> Leave {
        let permit = ManuallyDrop::new(self);
        Leave { claim: permit.claim, began: permit.began, if_dropped: permit.if_dropped }
    }

    #[inline]
    #[allow(clippy::needless_pass_by_value, reason = "a leave makes one permit")]
    pub(super) fn with(breaker: &'a CircuitBreaker, leave: Leave) -> Self {
        let Leave { claim, began, if_dropped } = leave;
        Self { breaker, claim, began, if_dropped, delay: Delay::NONE }
    }

    #[inline]
    pub(crate) fn settle(self, ending: Ending) {
        let permit = ManuallyDrop::new(self);
        permit.breaker.settle(permit.claim, permit.began, ending);
    }

    /// Settles the call before the permit is dropped, which a future does that holds its permit.
    #[inline]
    pub(crate) fn settle_early(&mut self, ending: Ending) {
        self.breaker.settle(self.claim, self.began, ending);
        self.if_dropped(IfDropped::Settled);
    }

    /// The time limit of the call, where the function states this one. `None` if it is switched off.
    pub(crate) fn call_timeout(&self, stated: Duration) -> Option<Duration> {
        self.breaker.call_timeout(stated)
    }

    /// The call was dropped because it took too long.
    pub(crate) fn time_out(self, limit: Duration) -> TimedOut {
        let limit = self.call_timeout(limit).unwrap_or(limit);
        let timed_out = self.breaker.time_out(limit);
        self.settle(Ending::Failure);
        timed_out
    }

    /// The call begins now: what was before was not its time.
    pub(crate) fn begin_again(&mut self) {
        (self.claim, self.began) = self.breaker.begin_again(self.claim, self.began);
    }

    pub(crate) fn if_dropped(&mut self, means: IfDropped) {
        self.if_dropped = means;
    }

    /// What the call waits for before its body runs.
    #[inline]
    pub(super) fn delay_mut(&mut self) -> &mut Delay {
        &mut self.delay
    }

    pub(crate) fn is_suspended(&self) -> bool {
        matches!(self.if_dropped, IfDropped::Suspended(_))
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.if_dropped != IfDropped::Settled {
            self.if_dropped.settle(self.breaker, self.claim, self.began);
        }
    }
}
