//! The state machine, the circuit around it, and the properties that hold for them.
//!
//! These are private to breaker-runtime, some even to its tests, so the modules are included here. A
//! module that is new there is missed here by name when this is built.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "less is used here than there")]

use proptest::{Failed, Source};

#[path = "../../../breaker-runtime/src"]
mod modules {
    pub(crate) mod breaker;
    pub(crate) mod bulkhead;
    pub(crate) mod cells;
    pub(crate) mod clock;
    pub(crate) mod config;
    pub(crate) mod constant;
    pub(crate) mod entering;
    pub(crate) mod error;
    pub(crate) mod event;
    pub(crate) mod eventual;
    pub(crate) mod guarded;
    pub(crate) mod keyed;
    pub(crate) mod machine;
    pub(crate) mod mode;
    pub(crate) mod name;
    pub(crate) mod no_timer;
    pub(crate) mod outcome;
    pub(crate) mod permit;
    pub(crate) mod provenance;
    pub(crate) mod readable;
    pub(crate) mod refusable;
    pub(crate) mod registry;
    pub(crate) mod site;
    pub(crate) mod snapshot;
    pub(crate) mod state;
    pub(crate) mod sync;
    pub(crate) mod totals;
    pub(crate) mod transitions;
    pub(crate) mod visible;
    pub(crate) mod window;
    pub(crate) mod word;
}

/// The parts of the machine's tests that need no test harness.
#[path = "../../../breaker-runtime/src/machine"]
mod tested {
    use crate::machine::{GoodCalls, Machine, Reading, Settlement, Ticket};

    mod bench;
    pub(crate) mod model;
}

// Where they look for each other.
use modules::no_timer as timer;
use modules::{
    breaker, bulkhead, cells, clock, config, constant, entering, error, event, eventual, guarded,
    keyed, machine, mode, name, outcome, permit, provenance, readable, refusable, registry, site,
    snapshot, state, sync, totals, transitions, visible, window, word,
};
// What they import from the crate's root.
pub use modules::breaker::CircuitBreaker;

/// The machine, against the reference.
///
/// # Errors
///
/// What they disagree about.
pub fn machine(bytes: &[u8]) -> Result<(), Failed> {
    tested::model::s16_the_machine_does_what_the_reference_does(&mut Source::new(bytes))
}

/// The circuit around it, against the same.
///
/// # Errors
///
/// What they disagree about.
pub fn circuit(bytes: &[u8]) -> Result<(), Failed> {
    tested::model::s16_the_circuit_does_what_the_reference_does(&mut Source::new(bytes))
}

/// A length of time as messages show it.
#[must_use]
pub fn readable(length: std::time::Duration) -> String {
    readable::Readable(length).to_string()
}
