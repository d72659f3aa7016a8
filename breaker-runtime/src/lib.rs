//! Circuit breakers that go on a function with one line, and the registry that shows them.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod breaker;
mod clock;
mod config;
mod error;
mod guarded;
mod machine;
mod name;
mod outcome;
mod permit;
mod readable;
mod registry;
mod site;
mod snapshot;
mod state;
mod sync;
mod totals;
mod window;
mod word;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use crate::breaker::CircuitBreaker;
pub use crate::clock::{Clock, ManualClock};
pub use crate::config::{Config, ConfigError, Settings, WindowSize};
pub use crate::error::{CallError, Rejected, RejectedReason, TimedOut};
pub use crate::outcome::Outcome;
pub use crate::permit::Permit;
pub use crate::registry::{Conflict, Registry, Stated, registry};
pub use crate::site::Site;
pub use crate::snapshot::{Calls, Probes, RegistrySnapshot, Rejections, Snapshot};
pub use crate::state::{State, TripKind, TripReason};
#[cfg(feature = "macros")]
pub use breaker_macros::circuit_breaker;
