//! Circuit breakers that go on a function with one line, and the registry that shows them.
//!
//! # Why it exists
//!
//! A dependency that is down is rarely down quickly. Callers wait for it, pile up, and take the rest of the
//! program with them; and when it comes back they all ask it at once. A circuit breaker notices, answers
//! calls at once while the dependency is down, and finds out with a few probes when it is back.
//!
//! That has to cost next to nothing while all is well, and must not need a rewrite. So here it is an
//! attribute: the function keeps its signature, and its callers do not change.
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
//! | give each host or tenant a circuit of its own | its option `key` |
//! | bound the calls in flight, or their time | its options `max_concurrent`, `max_wait` and `call_timeout` |
//! | guard something that is no function | [`CircuitBreaker`], with a [`Config`] |
//! | hand a call's outcome in later | [`CircuitBreaker::try_acquire`] and its [`Permit`] |
//! | see every circuit, or find one by name | [`registry()`], [`Registry`], [`RegistrySnapshot`] |
//! | read one circuit, or have it explained | [`CircuitBreaker::snapshot`], [`Snapshot::explain`] |
//! | have them scraped by Prometheus | `RegistrySnapshot::prometheus` |
//! | switch one by hand | [`trip`](CircuitBreaker::trip), [`force_open`](CircuitBreaker::force_open), [`disable`](CircuitBreaker::disable), [`reset`](CircuitBreaker::reset) |
//! | handle a call that was refused or took too long | [`Rejected`], [`TimedOut`], and [`CallError`] in a fallback |
//! | be told when something happens | [`Registry::subscribe`], with an [`Event`]; `trace` logs them |
//! | find functions that disagree about a circuit | [`Registry::conflicts`] |
//! | test without waiting | [`ManualClock`] |
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
//! Two more states are only set by hand: `forced_open` refuses every call and `disabled` lets every call
//! run. Both last until [`reset`](CircuitBreaker::reset). There is no timer behind any of this: what is due
//! happens at the next call, and reading a state never changes it.
//!
//! # Features
//!
//! * `macros` (default): the `#[circuit_breaker]` attribute. Without it, this crate builds no procedural
//!   macro and none of what that needs.
//! * `tokio` (default): a timer, for `call_timeout` and for `max_wait` of async calls. Without it, those two
//!   are errors on async functions, and nothing of tokio is built. No other part needs an async runtime.
//! * `serde`: [`Snapshot`]s, [`RegistrySnapshot`]s and [`Event`]s can be serialized, as JSON for one.
//! * `prometheus`: `RegistrySnapshot::prometheus`, metrics as Prometheus text, under names of our own or those of
//!   resilience4j. Nothing is counted for it that is not counted anyway.
//! * `tracing`: `trace`, a listener that logs events through the `tracing` crate.
//! * `test-util`, for dev-dependencies: circuits follow tokio's clock, paused time included.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod breaker;
mod bulkhead;
mod cells;
mod clock;
mod config;
mod constant;
mod entering;
mod error;
mod event;
mod eventual;
mod guarded;
#[cfg(all(test, breaker_loom))]
mod interleavings;
mod keyed;
mod machine;
mod mode;
mod name;
mod outcome;
mod permit;
#[cfg(feature = "prometheus")]
mod prometheus;
mod provenance;
mod readable;
mod refusable;
mod registry;
mod returned;
#[cfg(feature = "serde")]
mod serde;
mod site;
mod snapshot;
mod state;
mod sync;
#[cfg(feature = "tokio")]
mod timer;
#[cfg(not(feature = "tokio"))]
#[path = "no_timer.rs"]
mod timer;
mod totals;
#[cfg(feature = "tracing")]
mod trace;
mod transitions;
mod visible;
mod window;
mod word;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use crate::breaker::CircuitBreaker;
pub use crate::clock::{Clock, ManualClock};
pub use crate::config::{Config, ConfigError, ConfigErrors, Settings, WindowSize};
pub use crate::error::{CallError, Rejected, RejectedReason, TimedOut};
pub use crate::event::{Event, EventKind, Subscription};
pub use crate::mode::{Mode, ModeOverride, Override};
pub use crate::outcome::Outcome;
pub use crate::permit::{OnCancel, Permit};
#[cfg(feature = "prometheus")]
pub use crate::prometheus::{MetricNames, PrometheusText};
pub use crate::provenance::{Conflict, Stated};
pub use crate::registry::{Registry, registry};
pub use crate::site::Site;
pub use crate::snapshot::{Calls, Probes, RegistrySnapshot, Rejections, Snapshot};
pub use crate::state::{Cause, State, Transition, TripKind, TripReason};
#[cfg(feature = "tracing")]
pub use crate::trace::trace;
pub use crate::transitions::TransitionCounts;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/circuit_breaker.md")]
pub use breaker_macros::circuit_breaker;

/// Runs the code of the README. Not compiled otherwise, as the README is not in the published crate.
#[cfg(all(doctest, feature = "macros", feature = "tokio"))]
#[doc = include_str!("../../README.md")]
struct Readme;
