//! `Isolated`, the guard of a test that has circuits of its own.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use super::{Fault, Handle, Transitions};
use crate::circuit::{CircuitBreaker, Clock};
use crate::registry::{Entered, EventKind, Registry, Scope};
use crate::settings::{Layer, Statement};

/// A test that has circuits of its own, from [`isolate`](super::isolate). Dropping it ends that, also in a panic.
///
/// It belongs to its thread and cannot be sent to another. For other threads and spawned tasks, take a
/// [`handle`](Isolated::handle).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, testing};
///
/// let test = testing::isolate();
/// let stock = test.registry().get_or_create("isolated.stock", Config::new().cooldown(Duration::from_secs(60)))?;
/// test.open("isolated.stock");
/// test.advance(Duration::from_secs(60));
/// assert!(stock.snapshot().probe_due);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use = "the test is isolated until this is dropped"]
pub struct Isolated {
    scope: Arc<Scope>,
    _entered: Entered,
    /// What [`apply`](Isolated::apply) stated so far.
    applied: RefCell<Vec<Statement>>,
}

impl Isolated {
    pub(super) fn new(clock: Clock) -> Self {
        let scope = Scope::new(clock);
        let entered = Entered::new(Arc::clone(&scope));
        Self { scope, _entered: entered, applied: RefCell::default() }
    }

    /// The test's registry. [`registry()`](crate::registry()) returns it as well, on every thread that is inside.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry, testing};
    ///
    /// let test = testing::isolate();
    /// test.registry().get_or_create("isolated.registry", Config::new())?;
    /// assert!(registry().get("isolated.registry").is_some());
    /// drop(test);
    /// assert!(registry().get("isolated.registry").is_none());
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn registry(&self) -> &'static Registry {
        self.scope.registry()
    }

    /// Advances the test's clock, and wakes every call whose time is over.
    ///
    /// A woken task runs when its executor gets to it: in an async test, await it.
    ///
    /// # Panics
    ///
    /// If the clock does not stand still, because the test chose another one with
    /// [`isolate_with`](super::isolate_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Config, testing};
    ///
    /// let test = testing::isolate();
    /// let config = Config::new().cooldown(Duration::from_secs(60));
    /// test.registry().get_or_create("isolated.advance", config)?;
    /// test.open("isolated.advance");
    /// test.advance(Duration::from_secs(60));
    /// assert!(test.circuit("isolated.advance").snapshot().probe_due);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn advance(&self, by: Duration) {
        match self.scope.standing_clock() {
            Some(clock) => clock.advance(by),
            None => panic!(
                "`advance` moves a clock that stands still, and this test has another: use `testing::isolate()`, or \
                 under `Clock::Tokio` call `tokio::time::advance(..).await`"
            ),
        }
    }

    /// Lets other threads and tasks into the test.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use breaker_runtime::{Config, registry, testing};
    ///
    /// let test = testing::isolate();
    /// test.registry().get_or_create("isolated.handle", Config::new())?;
    /// let handle = test.handle();
    /// let is_there = thread::spawn(move || {
    ///     let _entered = handle.enter();
    ///     registry().get("isolated.handle").is_some()
    /// });
    /// assert!(is_there.join().unwrap());
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(&self.scope)
    }

    /// The circuit of that name. For a function with keys, `"name/key"` is the circuit of a key, also before its first
    /// call.
    ///
    /// # Panics
    ///
    /// If there is no such circuit, also if the name is that of a key and the function has no keys. The message has the
    /// nearest name.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, testing};
    ///
    /// #[circuit_breaker(name = "isolated.circuit")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// stock();
    /// assert_eq!(test.circuit("isolated.circuit").snapshot().calls.success, 1);
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn circuit(&self, name: &str) -> Arc<CircuitBreaker> {
        match self.scope.circuit(name) {
            Ok(circuit) => circuit,
            Err(mistake) => panic!("{mistake}"),
        }
    }

    /// Opens the circuit for a whole cooldown that begins now, from any state. From half-open it is as if a probe had
    /// failed. A circuit that is open, forced open or disabled is reset first.
    ///
    /// The mode of its settings stays, as with [`reset`](CircuitBreaker::reset): a circuit whose settings say
    /// `forced_open` or `disabled` does not open, and one that is observed opens and refuses no call.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, testing};
    ///
    /// #[circuit_breaker(name = "isolated.open", fallback = Some(0))]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.open("isolated.open");
    /// assert_eq!(stock(), Some(0)); // refused, and answered by the fallback
    /// # }
    /// ```
    #[track_caller]
    pub fn open(&self, name: &str) {
        self.circuit(name).become_open();
    }

    /// Makes the circuit half-open, from any state: the next call is a probe. No probe is in flight. The mode of its
    /// settings stays, as with [`open`](Isolated::open).
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, testing};
    ///
    /// #[circuit_breaker(name = "isolated.half_open", success_threshold = 1)]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.half_open("isolated.half_open");
    /// stock(); // a good probe
    /// assert_eq!(test.transitions("isolated.half_open"), "closed -> open -> half_open -> closed");
    /// # }
    /// ```
    #[track_caller]
    pub fn half_open(&self, name: &str) {
        self.circuit(name).become_half_open();
    }

    /// Closes the circuit, from any state, with empty counts. The mode of its settings stays, as with
    /// [`open`](Isolated::open).
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, State, testing};
    ///
    /// let test = testing::isolate();
    /// test.registry().get_or_create("isolated.close", Config::new())?;
    /// test.open("isolated.close");
    /// test.close("isolated.close");
    /// assert_eq!(test.circuit("isolated.close").state(), State::Closed);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn close(&self, name: &str) {
        self.circuit(name).reset();
    }

    /// Counts that many failures, as if calls had failed. The circuit may open.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit). Also if the circuit refuses one of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, testing};
    ///
    /// let test = testing::isolate();
    /// test.registry().get_or_create("isolated.fail", Config::new().failure_threshold(3))?;
    /// test.fail("isolated.fail", 2);
    /// assert_eq!(test.transitions("isolated.fail"), "closed");
    /// test.fail("isolated.fail", 1);
    /// assert_eq!(test.transitions("isolated.fail"), "closed -> open");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn fail(&self, name: &str, times: u32) {
        let circuit = self.circuit(name);
        for failed in 0..times {
            match circuit.try_acquire() {
                Ok(permit) => permit.failure(),
                Err(rejected) => panic!(
                    "only {failed} of {times} calls could fail: {rejected}. Fail fewer, or begin with \
                     `test.close({name:?})` or `test.half_open({name:?})`"
                ),
            }
        }
    }

    /// The states of the circuit in this test, one after the other, to compare with text: `"closed -> open"`, and
    /// after a good probe `"closed -> open -> half_open -> closed"`. Without a change it is the present state alone.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, testing};
    ///
    /// let test = testing::isolate();
    /// test.registry().get_or_create("isolated.transitions", Config::new())?;
    /// test.open("isolated.transitions");
    /// test.close("isolated.transitions");
    /// assert_eq!(test.transitions("isolated.transitions"), "closed -> open -> closed");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn transitions(&self, name: &str) -> Transitions {
        let circuit = self.circuit(name);
        Transitions::of(&self.scope.events(name), circuit.state())
    }

    /// What happened to the circuit in this test, in order: changes of state, resets, refused calls, late outcomes.
    /// Each displays as one line, such as `half_open -> closed: 1 good probe`.
    ///
    /// If several threads use the circuit at once, an event may come a moment after its call. Refused calls and late
    /// outcomes may be merged into the last one of a row. To count them, read the [`snapshot`](CircuitBreaker::snapshot)
    /// of the [`circuit`](Isolated::circuit). No change of state is missing.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, testing};
    ///
    /// let test = testing::isolate();
    /// test.registry().get_or_create("isolated.events", Config::new().failure_threshold(1))?;
    /// test.fail("isolated.events", 1);
    /// let last = test.events("isolated.events").pop().unwrap();
    /// assert_eq!(last.to_string(), "closed -> open: 1 failure in a row");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn events(&self, name: &str) -> Vec<EventKind> {
        let _ = self.circuit(name);
        self.scope.events(name)
    }

    /// Has this happen to calls of annotated functions through the circuit, in this test only. For a function with
    /// keys, `"name"` is every key, and `"name/key"` is one.
    ///
    /// Several faults may be set: each call gets the first that is its turn. A call that a fault refuses does not
    /// count for the others.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "isolated.fault", failure_threshold = 2)]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.fault("isolated.fault", Fault::none());
    /// assert_eq!([stock(), stock()], [None, None]);
    /// assert_eq!(test.transitions("isolated.fault"), "closed -> open");
    /// # }
    /// ```
    #[track_caller]
    pub fn fault(&self, name: &str, fault: Fault) {
        let _ = self.circuit(name);
        self.scope.plan(name, fault);
    }

    /// Removes every fault.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "isolated.clear_faults")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.fault("isolated.clear_faults", Fault::none());
    /// assert_eq!(stock(), None);
    /// test.clear_faults();
    /// assert_eq!(stock(), Some(7));
    /// # }
    /// ```
    pub fn clear_faults(&self) {
        self.scope.clear_plans();
    }

    /// Changes settings in this test: `test.apply("prices.cooldown=1s")`. Several may follow each other, separated by
    /// commas. The other options of the circuit stay. For a function with keys, `"name.option=value"` changes every
    /// key.
    ///
    /// # Panics
    ///
    /// If a circuit or an option is unknown, or a value is wrong. The message lists every mistake, and nothing is
    /// changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Config, testing};
    ///
    /// let test = testing::isolate();
    /// test.registry().get_or_create("isolated.apply", Config::new())?;
    /// test.apply("isolated.apply.cooldown=1s, isolated.apply.failure_threshold=1");
    /// test.fail("isolated.apply", 1);
    /// test.advance(Duration::from_secs(1));
    /// assert!(test.circuit("isolated.apply").snapshot().probe_due);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn apply(&self, statements: &str) {
        if let Err(mistakes) = self.try_apply(statements) {
            panic!("`apply` changes nothing:\n{}", mistakes.join("\n"));
        }
    }

    fn try_apply(&self, statements: &str) -> Result<(), Vec<String>> {
        let mut mistakes = Vec::new();
        let mut applied = self.applied.borrow().clone();
        let known = applied.len();
        for text in statements.split([',', '\n']).map(str::trim).filter(|text| !text.is_empty()) {
            match stated(text) {
                Some(new) => applied.push(new),
                None => mistakes.push(format!(
                    "`{text}` needs the name of a circuit: write `name.option=value`"
                )),
            }
        }
        let new: Vec<_> = applied[known..].iter().map(about).collect();
        let mut at = 0;
        applied.retain(|statement| {
            at += 1;
            at > known || !new.contains(&about(statement))
        });
        let layer = vec![(Layer::Override, applied.clone())];
        let done = if mistakes.is_empty() {
            self.registry().apply_all(layer).map(drop)
        } else {
            self.registry().check(layer).map(drop)
        };
        if let Err(errors) = done {
            mistakes.extend(errors.by_statement().map(|(number, mistake)| match number {
                Some((_, number)) => format!("`{}`: {mistake}", written(&applied[number])),
                None => mistake.to_owned(),
            }));
        }
        if mistakes.is_empty() {
            self.applied.replace(applied);
            Ok(())
        } else {
            Err(mistakes)
        }
    }
}

/// The statement in `name.option=value`. Names may have dots.
fn stated(text: &str) -> Option<Statement> {
    let (path, value) = text.split_once('=').unwrap_or((text, ""));
    let (name, option) = path.rsplit_once('.')?;
    Some(Statement::new(name.trim(), option.trim(), value.trim(), "test.apply"))
}

fn written(Statement { circuit, option, value, .. }: &Statement) -> String {
    format!("{circuit}.{option}={value}")
}

/// What a statement is about.
fn about(statement: &Statement) -> (String, String) {
    (statement.circuit.clone(), statement.option.clone())
}

impl Drop for Isolated {
    fn drop(&mut self) {
        self.scope.end();
    }
}
