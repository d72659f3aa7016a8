//! Circuit breakers of many processes that act as one, over Redis or Valkey.
//!
//! # Why it exists
//!
//! A service runs as many processes, and each learns for itself that a dependency is down. With a fleet, the processes
//! tell each other: when enough of them have opened a circuit on their own evidence, the others open it too. One of
//! them probes for all.
//!
//! *Local decides, fleet advises.* No call waits for the fleet, and admission reads local memory only. If the engine is
//! away, slow or wrong, each process acts as if alone.
//!
//! ```no_run
//! use breaker_fleet::{Fleet, Policy};
//! use breaker_runtime::circuit_breaker;
//!
//! #[circuit_breaker(name = "payments", failure_threshold = 5, fallback = None)]
//! fn price(sku: &str) -> Option<u64> {
//!     sku.parse().ok()
//! }
//!
//! # #[cfg(feature = "redis")]
//! # async fn run() -> Result<(), breaker_fleet::JoinError> {
//! let fleet = Fleet::redis("redis://127.0.0.1/")
//!     .namespace("shop-production")
//!     .policy("payments", Policy::Quorum)
//!     .join()
//!     .await?;
//! # let _ = price("");
//! # drop(fleet);
//! # Ok(()) }
//! ```
//!
//! # How it works
//!
//! * A member that opens a circuit on its own evidence **votes**. The vote expires with its cooldown.
//! * At a **quorum** of votes, every member opens the circuit for what is left of the longest vote. A member whose own
//!   calls are good stays closed.
//! * After the cooldown, one member gets the **lease** and probes. Its verdict closes or re-opens the circuit
//!   everywhere.
//! * Everything expires, by the engine's clock. Durations are sent, never points in time.
//!
//! `docs/fleet.md` in the repository has the rules, their reasons, and what was measured.
//!
//! # Features
//!
//! * `redis` (default): the engine [`Redis`].
//! * `tls`: addresses that begin with `rediss://`.
//! * `tracing` (default): one record when the connection is lost, and one when it is back.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod engine;
mod fleet;
mod home;
mod inbox;
mod ledger;
mod member;
mod policy;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod simulation;
mod task;

#[cfg(feature = "redis")]
pub use crate::engine::Redis;
pub use crate::engine::{
    Ask, Beat, Engine, EngineError, Leased, Memory, Posted, Record, Report, Stand, What, Word,
};
pub use crate::fleet::{Fleet, FleetBuilder, JoinError};
pub use crate::ledger::Ledger;
pub use crate::policy::Rule;
pub use breaker_runtime::Policy;

/// Runs the guide's examples as doctests.
#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../../docs/fleet.md")]
struct Guide;

/// Runs the README's examples as doctests.
#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../README.md")]
struct Readme;
