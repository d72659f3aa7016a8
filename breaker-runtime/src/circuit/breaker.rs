//! `CircuitBreaker`: the public type, which holds the word, the lock around the machine, the totals and the clock.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use once_cell::race::OnceBox;

use super::acquire::Acquire;
use super::audience::{Description, Membership, Terms};
use super::bulkhead::Bulkhead;
use super::call_error::CallError;
use super::clock::{Clock, Source, Stopwatch};
use super::counts::{Calls, Rejections};
use super::dials::Dials;
use super::error::Rejected;
use super::extras::Extras;
use super::guarded::Guarded;
use super::on_cancel::OnCancel;
use super::owned_permit::OwnedPermit;
use super::permit::{IfDropped, Permit};
use super::sync::Mutex;
use super::totals::Totals;
use super::word::{AtomicWord, Epoch, Manner};
use crate::rules::{Downtime, Ending, Machine, Reading, State};
use crate::settings::{Config, ConfigError, Effective, Name, Settings};

/// Guards one dependency.
///
/// Most programs never name this type: `#[circuit_breaker]` makes circuits, and [`registry`](crate::registry()) lists
/// them. To make one yourself, call [`new`](CircuitBreaker::new) and share it by reference or in an `Arc`.
///
/// You can call every method from anywhere: from inside a guarded call, a destructor, a listener, or any thread.
///
/// No method panics by itself. If the closure or future given to [`call`](CircuitBreaker::call) or
/// [`call_async`](CircuitBreaker::call_async) panics, that counts as a failure and the panic continues. A panic of a
/// [listener](crate::Registry::subscribe) is caught.
///
/// Your code never runs under a lock. Two things can still take time:
///
/// * If the circuit is full, `call`, `call_async`, `acquire` and `acquire_blocking` wait for a slot, for up to
///   `max_wait`. `call` and `acquire_blocking` block the thread. `try_acquire` never waits for a slot.
/// * If the circuit is in a [`Registry`](crate::Registry) with listeners, calls and controls run them on the calling
///   thread. The number of events that one call delivers is bounded: see [`subscribe`](crate::Registry::subscribe).
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CallError, CircuitBreaker, Config};
///
/// let circuit = CircuitBreaker::new("payments", Config::new().failure_threshold(2))?;
/// for _ in 0..2 {
///     assert!(circuit.call(|| Err::<(), _>("down")).is_err());
/// }
/// let refused = circuit.call(|| Ok::<_, &str>("never runs"));
/// assert!(matches!(refused, Err(CallError::Rejected(_))));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
pub struct CircuitBreaker {
    pub(super) word: AtomicWord,
    pub(super) dials: Dials,
    pub(super) totals: Totals,
    pub(super) extras: OnceBox<Extras>,
    pub(super) clock: Source,
    pub(super) machine: Mutex<Machine>,
    pub(super) name: Name,
    /// `None` for a circuit in no registry, which has no listeners.
    pub(super) membership: Option<Membership>,
}

/// One reading of a circuit.
pub(crate) struct Counted {
    pub(crate) reading: Reading,
    pub(crate) config: Config,
    pub(crate) settings: Settings,
    pub(crate) calls: Calls,
    pub(crate) rejected: Rejections,
    pub(crate) would_reject: Rejections,
}

impl CircuitBreaker {
    /// A closed circuit on the system's clock. It is not in a registry; for that, see
    /// [`Registry::get_or_create`](crate::Registry::get_or_create).
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] if the name is not 1 to 128 bytes without control characters, or if the config
    /// is not [valid](Config::validate).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// assert_eq!(circuit.name(), "payments");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn new(name: impl Into<Arc<str>>, config: Config) -> Result<Self, ConfigError> {
        Self::with_clock(name, config, Clock::System)
    }

    /// A closed circuit on a clock of your choice.
    ///
    /// # Errors
    ///
    /// As [`new`](CircuitBreaker::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let clock = Clock::Manual(ManualClock::new());
    /// let circuit = CircuitBreaker::with_clock("payments", Config::new(), clock)?;
    /// # let _ = circuit;
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn with_clock(
        name: impl Into<Arc<str>>,
        config: Config,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        let name = Name::shared(name.into())?;
        config.validate()?;
        Ok(Self::valid(name, &Terms::of(config), clock, None))
    }

    /// A circuit whose name and terms were checked before.
    pub(crate) fn valid(
        name: Name,
        terms: &Terms,
        clock: Clock,
        membership: Option<Membership>,
    ) -> Self {
        let config = terms.effective.config;
        let settings = config.settings();
        let clock = Source::new(clock, settings.shortest_time());
        let stopwatch = Stopwatch::new(&settings, &clock);
        let machine = Machine::new(settings, clock.now(), fastrand::u64(..));
        let (epoch, manner) = (Epoch::of(machine.epoch()), Manner::of(&settings));
        let circuit = Self {
            word: AtomicWord::new(epoch, machine.holds_until(), manner),
            dials: Dials::new(&settings, config.options(), stopwatch, terms.number),
            totals: Totals::new(),
            extras: OnceBox::new(),
            clock,
            machine: Mutex::new(machine),
            name,
            membership,
        };
        circuit.refit_extras(&settings, terms);
        circuit.follow_by_watch(&circuit.machine.lock(), circuit.clock.now());
        circuit
    }

    /// Replaces the config in one step. State, epoch, counts, listeners and calls in flight stay. This never trips or
    /// closes the circuit: the next bad call is judged by the new settings.
    ///
    /// * The window keeps its newest calls. If it changes between calls and time, it starts empty, but the run of
    ///   failures stays.
    /// * An open circuit gets the new cooldown, counted from when it opened, with the same escalation and jitter. It
    ///   does not end before now. Probes in flight get the new `probe_timeout` in the same way.
    /// * A higher `max_concurrent` admits waiting calls at once. A lower one stops no running call.
    /// * With a new `slow_call`, a call that started without a clock does not count as slow.
    ///
    /// If the circuit has keys, their existing circuits keep their settings. New keys get the new ones.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] if the config is not [valid](Config::validate). Then nothing changes.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new().failure_threshold(3))?;
    /// circuit.try_acquire()?.failure();
    /// circuit.reconfigure(Config::new().failure_threshold(2))?;
    /// assert_eq!(circuit.snapshot().consecutive_failures, 1);
    /// circuit.try_acquire()?.failure();
    /// assert_eq!(circuit.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        config.validate()?;
        let terms = match &self.membership {
            Some(membership) => membership.of().restate(config)?,
            None => Terms::of(config),
        };
        self.refit(&terms);
        self.deliver();
        Ok(())
    }

    /// The circuit's name.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// assert_eq!(circuit.name(), "payments");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The current state. Reading it changes nothing: after its cooldown an open circuit stays open until the next
    /// call. See [`Snapshot::probe_due`](crate::Snapshot::probe_due).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// assert_eq!(circuit.state(), State::Closed);
    /// circuit.trip();
    /// assert_eq!(circuit.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> State {
        let is_closed = self.word.load().is_closed();
        if is_closed {
            return State::Closed;
        }
        self.machine.lock().state_at(self.clock.now())
    }

    /// Acquires a permit for one call. It never waits for a slot of `max_concurrent`; see
    /// [`acquire`](CircuitBreaker::acquire).
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the circuit refuses.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("payments", Config::new().failure_threshold(1))?;
    /// circuit.try_acquire()?.failure();
    /// assert!(circuit.try_acquire().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_acquire(&self) -> Result<Permit<'_>, Rejected> {
        self.let_in(Bulkhead::try_enter, IfDropped::bare())
    }

    /// Like [`try_acquire`](CircuitBreaker::try_acquire), but the permit keeps the circuit alive instead of borrowing
    /// it.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the circuit refuses.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_runtime::{CircuitBreaker, Config, OwnedPermit};
    ///
    /// /// A download in progress, which may move to another thread.
    /// struct Download {
    ///     permit: OwnedPermit,
    /// }
    ///
    /// let circuit = Arc::new(CircuitBreaker::new("mirror", Config::new())?);
    /// let download = Download { permit: circuit.try_acquire_owned()? };
    /// assert_eq!(circuit.snapshot().in_flight, 1);
    /// download.permit.success();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedPermit, Rejected> {
        let leave = self.try_acquire()?.into_leave();
        Ok(OwnedPermit::new(Arc::clone(self), leave))
    }

    /// Runs `f` if the circuit admits the call. `Err` counts as a failure. So does a panic, which then continues.
    ///
    /// If the circuit has `max_concurrent` and `max_wait`, the thread may block for up to `max_wait`.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] if the circuit refused, [`CallError::Failed`] with the error of `f`.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("numbers", Config::new())?;
    /// assert_eq!(circuit.call(|| "42".parse::<u32>()), Ok(42));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn call<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        let permit = self.let_in(Bulkhead::enter_blocking, IfDropped::Panicked)?;
        settle_result(permit, f())
    }

    /// Like [`call`](CircuitBreaker::call), for a future. Nothing happens before the first poll. If the circuit
    /// refuses, `f` is not called.
    ///
    /// # Errors
    ///
    /// As [`call`](CircuitBreaker::call).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done counts as cancelled. The call's probe and bulkhead slot are freed.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
    /// let circuit = CircuitBreaker::new("numbers", Config::new())?;
    /// let answer = circuit.call_async(|| async { Ok::<_, std::io::Error>(42) }).await;
    /// assert_eq!(answer.unwrap(), 42);
    /// # Ok(()) }
    /// ```
    pub async fn call_async<T, E, F>(&self, f: impl FnOnce() -> F) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut permit = match self.admit_at_once() {
            Some(admission) => admission.permit(),
            None => Acquire::new(self).await?,
        };
        let result = Guarded::new(&mut permit, OnCancel::Ignore, f()).await;
        settle_result(permit, result)
    }

    /// What the machine says, and the counts of the same epoch.
    pub(crate) fn read(&self) -> Counted {
        /// Where the state changes that often, the lock puts an end to it.
        const READINGS: u32 = 3;
        let now = self.clock.now();
        self.lapse(now);
        let read = |machine: &Machine| {
            let settings = *machine.settings();
            let config = settings.stating(self.dials.stated());
            (machine.read(self.good(machine), now), settings, config)
        };
        let count = |(reading, settings, config)| {
            let (calls, rejected) = (self.totals.calls(), self.totals.rejections());
            let would_reject = self.totals.would_reject();
            Counted { reading, config, settings, calls, rejected, would_reject }
        };
        for _ in 0..READINGS {
            let epoch = self.word.load().epoch();
            // A binding, so that the lock is not held while the totals are summed.
            let read = read(&self.machine.lock());
            let counted = count(read);
            if self.word.load().epoch() == epoch {
                return counted;
            }
        }
        let machine = self.machine.lock();
        count(read(&machine))
    }

    /// What outlives the process, if it is open or half-open.
    pub(crate) fn downtime(&self) -> Option<Downtime> {
        self.machine.lock().downtime(self.clock.now())
    }

    /// Opens for what is left of a downtime of an earlier process, if there is no evidence of its own.
    pub(crate) fn restore(&self, downtime: Downtime) -> bool {
        let restore = |machine: &mut Machine, now| {
            let good = self.good(machine);
            machine.restore(downtime, good, now)
        };
        let is_restored = self.locked(self.clock.now(), restore, |_| None);
        self.deliver();
        is_restored
    }

    pub(crate) fn config(&self) -> Config {
        let machine = self.machine.lock();
        machine.settings().stating(self.dials.stated())
    }

    /// Describes where its config comes from.
    pub(crate) fn describe(&self) -> Description {
        let Some(membership) = &self.membership else {
            let sources = Effective::of(self.config()).sources;
            return Description { sources, ..Description::default() };
        };
        membership.of().describe()
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

fn settle_result<T, E>(permit: Permit<'_>, result: Result<T, E>) -> Result<T, CallError<E>> {
    permit.settle(if result.is_ok() { Ending::Success } else { Ending::Failure });
    result.map_err(CallError::Failed)
}
