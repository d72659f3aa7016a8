//! Circuit breakers that go on a function with one line, and the registry that shows them.
//!
//! # Why it exists
//!
//! A broken dependency rarely fails fast. Callers wait for it, pile up, and take the rest of the program down. When it
//! recovers, they all call it at once. A circuit breaker refuses calls while the dependency is down, and sends a few
//! probes to find out when it is back.
//!
//! In this crate a circuit breaker is an attribute. The function keeps its signature, and its callers do not change.
//! Calls of a healthy dependency cost next to nothing.
//!
//! # Quick start
//!
//! ```
//! # #[cfg(feature = "macros")] {
//! use breaker_runtime::{circuit_breaker, registry};
//!
//! #[circuit_breaker(name = "users", failure_threshold = 3, cooldown = "10s", fallback = Ok(0))]
//! fn count_users(up: bool) -> Result<u32, String> {
//!     if up { Ok(42) } else { Err("no route to host".into()) }
//! }
//!
//! assert_eq!(count_users(true), Ok(42));
//! for _ in 0..3 {
//!     assert_eq!(count_users(false), Ok(0)); // failed, and answered by the fallback
//! }
//! assert_eq!(count_users(true), Ok(0)); // refused: the circuit is open
//!
//! let users = registry().get("users").unwrap();
//! assert!(users.snapshot().explain().starts_with("open for "));
//! println!("{}", registry().snapshot()); // a table of all circuits
//! # }
//! ```
//!
//! # The map of the crate
//!
//! | to | look at |
//! |---|---|
//! | guard a function | `#[circuit_breaker]`, which documents every option |
//! | use one circuit per host or tenant | its option `key` |
//! | limit the calls in flight, or their time | its options `max_concurrent`, `max_wait` and `call_timeout` |
//! | guard something other than a function | [`CircuitBreaker`], with a [`Config`] |
//! | say what counts as what there, or limit the time | [`CircuitBreaker::guard`] |
//! | guard a stream | a function that returns it, or `GuardedStream` |
//! | report a call's outcome later | [`CircuitBreaker::acquire`] or [`try_acquire`](CircuitBreaker::try_acquire), and the [`Permit`] |
//! | see every circuit, or find one by name | [`registry()`], [`Registry`], [`RegistrySnapshot`] |
//! | keep circuits in a registry of your own | [`Registry::new`] |
//! | read one circuit, or explain its state | [`CircuitBreaker::snapshot`], [`Snapshot::explain`] |
//! | export metrics to Prometheus | `RegistrySnapshot::prometheus` |
//! | control one manually | [`trip`](CircuitBreaker::trip), [`force_open`](CircuitBreaker::force_open), [`disable`](CircuitBreaker::disable), [`reset`](CircuitBreaker::reset) |
//! | handle a call that was refused or timed out | [`Rejected`], [`TimedOut`], and [`CallError`] in a fallback |
//! | find a refusal in another crate's error | [`Rejected::find_in`] |
//! | subscribe to events | [`Registry::subscribe`], with an [`Event`]; `trace` logs them |
//! | find functions that disagree about a circuit | [`Registry::conflicts`] |
//! | test without waiting | [`ManualClock`]; for annotated functions, the module `testing` |
//!
//! # The states
//!
//! ```text
//!           too many failures, or too many slow calls
//!   closed ─────────────────────────────────────────> open <──────┐
//!     ^                                                │          │
//!     │                                  cooldown over,│          │ a bad probe
//!     │                                  and a call    v          │
//!     └──────────────────────────────────────────── half_open ────┘
//!                    enough good probes
//! ```
//!
//! Two more states are only set manually: `forced_open` refuses every call, and `disabled` lets every call run. Both
//! last until [`reset`](CircuitBreaker::reset), or for the time that you give to
//! [`override_for`](CircuitBreaker::override_for).
//!
//! No timer runs in the background. A transition that is due happens at the next call, and reading a state never
//! changes it.
//!
//! # Features
//!
//! * `macros` (default): the `#[circuit_breaker]` attribute. Without it, no procedural macro is built, and none of its
//!   dependencies.
//! * `tokio` (default): a timer, for `call_timeout` and for `max_wait` of async calls. Without it, those two options
//!   are errors on async functions, and tokio is not built. Nothing else needs an async runtime.
//! * `serde`: [`Snapshot`], [`RegistrySnapshot`] and [`Event`] implement `Serialize`.
//! * `prometheus`: `RegistrySnapshot::prometheus` writes metrics as Prometheus text, under our names or resilience4j's.
//!   It costs calls nothing: all numbers are counted anyway.
//! * `tracing`: `trace`, a listener that logs events through the `tracing` crate.
//! * `test-util`, for dev-dependencies: the module `testing`, which gives each test circuits of its own and a clock
//!   that stands still. Outside of it, circuits follow tokio's clock, paused time included.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
pub mod attribute;
mod circuit;
mod export;
mod registry;
mod report;
mod rules;
mod settings;
#[cfg(feature = "test-util")]
pub mod testing;

#[doc(hidden)]
pub use crate::attribute as __private;
#[cfg(feature = "stream")]
pub use crate::circuit::GuardedStream;
pub use crate::circuit::{
    CallError, Calls, CircuitBreaker, Clock, FleetStatus, FleetView, Guard, ManualClock, OnCancel,
    OwnedPermit, Permit, Rejected, Rejections, TimedOut, Timings,
};
#[cfg(feature = "tracing")]
pub use crate::export::trace;
#[cfg(feature = "prometheus")]
pub use crate::export::{MetricNames, PrometheusText};
pub use crate::registry::{
    Advisor, Applied, Change, Event, EventKind, Keyed, LeftAlone, Registry, Restored, Saved,
    Subscription, registry,
};
pub use crate::report::{OptionOverride, RegistrySnapshot, Snapshot};
pub use crate::rules::{
    Advice, Advised, Cause, Lease, ModeOverride, Opening, Outage, Outcome, Override, Probes,
    RejectedReason, State, Transition, TransitionCounts, TripKind, TripReason,
};
pub use crate::settings::{
    Config, ConfigError, ConfigErrors, ConfigOption, Conflict, Layer, Mode, Policy, Settings, Site,
    Source, Sources, Stated, Statement, WindowSize,
};
/// What the fuzzer calls. Exists only with `--cfg fuzzing`, which `cargo fuzz` sets.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use std::time::Duration;

    use crate::report::model::{Case, check_circuit, check_machine};
    use crate::settings::Readable;

    /// Runs the state machine beside the reference model.
    pub fn machine(bytes: &[u8]) {
        check_machine(Case::of(bytes));
    }

    /// Runs a whole circuit beside the reference model.
    pub fn circuit(bytes: &[u8]) {
        check_circuit(Case::of(bytes));
    }

    /// A duration as messages show it.
    #[must_use]
    pub fn readable(duration: Duration) -> String {
        Readable(duration).to_string()
    }
}

#[cfg(feature = "macros")]
#[doc = include_str!("../docs/circuit_breaker.md")]
pub use breaker_macros::circuit_breaker;

/// Runs the README's examples as doctests. Compiled for nothing else: the published crate has no README.
#[cfg(all(doctest, feature = "macros", feature = "tokio"))]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Runs the examples of the guide to testing.
#[cfg(all(doctest, feature = "macros", feature = "test-util"))]
#[doc = include_str!("../../docs/guide/testing.md")]
struct TestingGuide;

/// Computes the numbers of the guide to tuning.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/tuning.md")]
struct TuningGuide;
