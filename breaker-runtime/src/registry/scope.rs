//! What a thread of an isolated test resolves to: a registry of the test's own, with its clock and its faults.

mod fault;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(crate) use self::fault::Effect;
pub use self::fault::Fault;
use self::fault::{Kind, Planned};
use super::event::EventKind;
use super::site_cell::{KeyedSiteCell, SiteCell};
use super::{Registry, Subscription};
use crate::circuit::{CircuitBreaker, Clock, ManualClock, Mutex};
use crate::settings::Config;

/// Whether a call that goes to the registry of the process is a mistake.
static IS_STRICT: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The scopes that this thread entered. The last one holds.
    static ENTERED: RefCell<Vec<(u64, Arc<Scope>)>> = const { RefCell::new(Vec::new()) };
}

type Record = BTreeMap<String, Vec<EventKind>>;

/// One isolated test.
pub(crate) struct Scope {
    registry: &'static Registry,
    clock: Clock,
    faults: Mutex<Vec<Planned>>,
    record: Arc<Mutex<Record>>,
    /// Dropped before the registry goes to the next test.
    recording: Option<Subscription>,
    is_over: AtomicBool,
}

impl Scope {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        if let Clock::Manual(clock) = &clock {
            clock.drive_timers();
        }
        let registry = Registry::borrowed(clock.clone());
        let record = Arc::new(Mutex::new(Record::new()));
        let written = Arc::clone(&record);
        let recording = registry.subscribe(move |event| {
            // Those without a number are conflicts of before.
            if event.sequence > 0 {
                let mut record = written.lock();
                record.entry(event.name.clone()).or_default().push(event.kind.clone());
            }
        });
        let (faults, recording) = (Mutex::new(Vec::new()), Some(recording));
        Arc::new(Self {
            registry,
            clock,
            faults,
            record,
            recording,
            is_over: AtomicBool::new(false),
        })
    }

    pub(crate) fn registry(&self) -> &'static Registry {
        self.registry
    }

    /// The circuit of that name, which for a key may be new.
    pub(crate) fn circuit(&self, name: &str) -> Result<Arc<CircuitBreaker>, String> {
        let registry = self.registry;
        if registry.entry(name).is_none() && registry.keyed_with(name).is_none() {
            return Err(registry.no_circuit(name));
        }
        let found = registry.get_or_create(name, Config::new());
        found.map_err(|error| format!("there is no circuit {name:?}: {error}"))
    }

    /// The clock that stands still, if the test has one.
    pub(crate) fn standing_clock(&self) -> Option<&ManualClock> {
        if let Clock::Manual(clock) = &self.clock { Some(clock) } else { None }
    }

    /// What happened to that circuit.
    pub(crate) fn events(&self, name: &str) -> Vec<EventKind> {
        self.record.lock().get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn plan(&self, name: &str, fault: Fault) {
        self.faults.lock().push(Planned::new(name, fault));
    }

    pub(crate) fn clear_plans(&self) {
        let cleared = std::mem::take(&mut *self.faults.lock());
        // After the lock: what a fault captured may make calls when it is dropped.
        drop(cleared);
    }

    /// The first fault of that kind that a call through this circuit runs into.
    fn fault(&self, name: &str, kind: Kind) -> Option<Effect> {
        self.faults.lock().iter_mut().find_map(|planned| planned.fire(name, kind))
    }

    /// The test has ended. Threads that are inside stay where they are.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.recording = None;
        self.registry.give_back();
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// A thread is inside a scope until this is dropped. It stays on its thread.
#[derive(Debug)]
pub(crate) struct Entered {
    number: u64,
    stays: PhantomData<*const ()>,
}

impl Entered {
    pub(crate) fn new(scope: Arc<Scope>) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let _ = ENTERED.try_with(|entered| entered.borrow_mut().push((number, scope)));
        Self { number, stays: PhantomData }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Out of the list first: the last one to leave drops the scope, which may run code of users.
        let left = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            let at = entered.iter().rposition(|(number, _)| *number == self.number)?;
            Some(entered.remove(at))
        });
        drop(left);
    }
}

/// The scope that this thread is inside of.
pub(crate) fn current() -> Option<Arc<Scope>> {
    // While the thread is torn down there is none.
    let last = ENTERED.try_with(|entered| Some(Arc::clone(&entered.borrow().last()?.1)));
    last.ok().flatten()
}

pub(super) fn registry() -> Option<&'static Registry> {
    current().map(|scope| scope.registry)
}

pub(crate) fn be_strict() {
    IS_STRICT.store(true, Ordering::Release);
}

fn check_strictly(name: &str) {
    assert!(
        !IS_STRICT.load(Ordering::Acquire),
        "a guarded call of circuit {name:?} came from a thread that is in no isolated test, and `testing::strict()` \
         forbids that. At the start of a test, write `let test = testing::isolate();`. In a thread that the test \
         starts, write `let _entered = handle.enter();`, where `handle` is a clone of `test.handle()`. A task that it \
         spawns goes into `handle.wrap(..)`"
    );
}

impl SiteCell {
    /// The circuit that a call of this thread goes through.
    pub(crate) fn found(&'static self) -> Arc<CircuitBreaker> {
        let Some(scope) = current() else {
            check_strictly(self.site.name());
            return self.shared_circuit();
        };
        scope.or_refusing(scope.registry.circuit_of(&self.site))
    }
}

impl KeyedSiteCell {
    /// The circuit that a call of this thread with that key goes through.
    pub(crate) fn found_for(&'static self, key: &dyn fmt::Display) -> Arc<CircuitBreaker> {
        let Some(scope) = current() else {
            check_strictly(self.cell.site.name());
            return self.held_for_shown(key).into();
        };
        scope.or_refusing(scope.registry.keyed_of(&self.cell.site).circuit(key))
    }
}

impl Scope {
    /// The circuit. If a fault refuses the call, one that refuses it.
    fn or_refusing(&self, circuit: Arc<CircuitBreaker>) -> Arc<CircuitBreaker> {
        match self.fault(circuit.name(), Kind::Refusal) {
            Some(_) => Arc::new(circuit.refuse_by_twin()),
            None => circuit,
        }
    }

    /// The fault that a call runs into that was let in through that circuit.
    pub(crate) fn fault_of_body(&self, name: &str) -> Option<Effect> {
        self.fault(name, Kind::Body)
    }
}
