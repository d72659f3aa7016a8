//! `Isolated`, the guard of a test that has circuits of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Fault, Handle, Transitions};
use crate::circuit::{CircuitBreaker, Clock};
use crate::registry::{Entered, EventKind, Registry, Scope};
use crate::settings::Config;

/// A test that has circuits of its own, from [`isolate`](super::isolate). Dropping it ends that, also in a panic.
///
/// It belongs to its thread and cannot be sent to another. For other threads and spawned tasks, take a
/// [`handle`](Isolated::handle).
#[derive(Debug)]
#[must_use = "the test is isolated until this is dropped"]
pub struct Isolated {
    scope: Arc<Scope>,
    _entered: Entered,
}

impl Isolated {
    pub(super) fn new(clock: Clock) -> Self {
        let scope = Scope::new(clock);
        let entered = Entered::new(Arc::clone(&scope));
        Self { scope, _entered: entered }
    }

    /// The test's registry. [`registry()`](crate::registry()) returns it as well, on every thread that is inside.
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
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(&self.scope)
    }

    /// The circuit of that name. For a function with keys, `"name/key"` is the circuit of a key, also before its first
    /// call.
    ///
    /// # Panics
    ///
    /// If there is no such circuit. The message has the nearest name.
    #[must_use]
    #[track_caller]
    pub fn circuit(&self, name: &str) -> Arc<CircuitBreaker> {
        let registry = self.registry();
        if let Some(circuit) = registry.get(name) {
            return circuit;
        }
        let shared = name.split_once('/').and_then(|(shared, _)| registry.get(shared));
        match shared.map(|_| registry.get_or_create(name, Config::new())) {
            Some(Ok(circuit)) => circuit,
            Some(Err(error)) => panic!("there is no circuit {name:?}: {error}"),
            None => panic!("{}", registry.no_circuit(name)),
        }
    }

    /// Opens the circuit for one cooldown, from any state.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    #[track_caller]
    pub fn open(&self, name: &str) {
        let circuit = self.circuit(name);
        let state = circuit.state();
        if matches!(state, crate::rules::State::ForcedOpen | crate::rules::State::Disabled) {
            circuit.reset();
        }
        circuit.trip();
    }

    /// Makes the circuit half-open, from any state: the next call is a probe. No probe is in flight.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    #[track_caller]
    pub fn half_open(&self, name: &str) {
        self.circuit(name).become_half_open();
    }

    /// Closes the circuit, from any state, with empty counts.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    #[track_caller]
    pub fn close(&self, name: &str) {
        self.circuit(name).reset();
    }

    /// Counts that many failures, as if calls had failed. The circuit may open.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit). Also if the circuit refuses one of them.
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

    /// The states that the circuit went through in this test, to compare with text: `"closed -> open"`, and after a
    /// good probe `"closed -> open -> half_open -> closed"`. Without a change it is the present state alone.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
    #[must_use]
    #[track_caller]
    pub fn transitions(&self, name: &str) -> Transitions {
        let circuit = self.circuit(name);
        Transitions::of(&self.scope.events(name), circuit.state())
    }

    /// What happened to the circuit in this test, in order: changes of state, resets, refused calls, late outcomes.
    /// Each displays as one line, such as `half_open -> closed: 1 good probe`.
    ///
    /// # Panics
    ///
    /// As [`circuit`](Isolated::circuit).
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
    #[track_caller]
    pub fn fault(&self, name: &str, fault: Fault) {
        let _ = self.circuit(name);
        self.scope.plan(name, fault);
    }

    /// Removes every fault.
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
    #[track_caller]
    pub fn apply(&self, statements: &str) {
        if let Err(mistakes) = self.try_apply(statements) {
            panic!("`apply` changes nothing:\n{}", mistakes.join("\n"));
        }
    }

    fn try_apply(&self, statements: &str) -> Result<(), Vec<String>> {
        let mut mistakes = Vec::new();
        let mut stated: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for statement in statements.split([',', '\n']).map(str::trim).filter(|it| !it.is_empty()) {
            let end = statement.find('=').unwrap_or(statement.len());
            match statement[..end].rfind('.') {
                Some(dot) => {
                    stated.entry(&statement[..dot]).or_default().push(&statement[dot + 1..]);
                }
                None => mistakes.push(format!(
                    "`{statement}` needs the name of a circuit: write `name.option=value`"
                )),
            }
        }
        let mut changes = Vec::new();
        for (name, stated) in stated {
            let Some(circuit) = self.registry().get(name) else {
                mistakes.push(self.registry().no_circuit(name));
                continue;
            };
            match laid_over(&circuit.config(), &stated) {
                Ok(config) => changes.push((circuit, config)),
                Err(error) => mistakes.push(format!("circuit {name:?}: {error}")),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        for (circuit, config) in changes {
            let is_key = |name: &str| {
                name.strip_prefix(circuit.name()).is_some_and(|it| it.starts_with('/'))
            };
            let keys = self.registry().circuits().into_iter().filter(|it| is_key(it.name()));
            for circuit in keys.chain([Arc::clone(&circuit)]) {
                circuit.reconfigure(config).map_err(|error| vec![error.to_string()])?;
            }
        }
        Ok(())
    }
}

/// The config with these statements in place of its own about the same options.
fn laid_over(config: &Config, stated: &[&str]) -> Result<Config, String> {
    let option =
        |statement: &str| statement.split('=').next().unwrap_or_default().trim().to_owned();
    let replaced: Vec<_> = stated.iter().map(|statement| option(statement)).collect();
    let text = config.to_string();
    let kept = text.split(", ").filter(|statement| !replaced.contains(&option(statement)));
    let whole: Vec<_> = kept.chain(stated.iter().copied()).collect();
    whole.join(", ").parse().map_err(|errors: crate::settings::ConfigErrors| errors.to_string())
}

impl Drop for Isolated {
    fn drop(&mut self) {
        self.scope.end();
    }
}
