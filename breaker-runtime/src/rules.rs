//! The decisions of a circuit: when it opens, probes and closes. No locks, no clock, no user code, no shared state:
//! every method takes the current time.

mod advice;
mod instant;
mod machine;
mod order;
mod outage;
mod outcome;
mod probes;
mod refusal;
mod state;
mod transitions;
mod window;

pub use advice::{Advice, Advised, Lease, Opening};
pub(crate) use instant::{Instant, Left, nanos};
#[cfg(any(test, fuzzing))]
pub(crate) use machine::bench::{Bench, slow};
pub(crate) use machine::{
    Admitted, Downtime, EPOCH_BITS, GoodCalls, Machine, ProbeId, Reading, Settlement, Ticket, count,
};
pub(crate) use order::Order;
pub use order::{ModeOverride, Override};
pub use outage::Outage;
pub use outcome::Outcome;
pub(crate) use outcome::{Bad, Ended, Ending};
pub use probes::Probes;
pub(crate) use refusal::Refusal;
pub use refusal::RejectedReason;
pub use state::{Cause, State, Transition, TripKind, TripReason};
pub(crate) use state::{Reason, plural};
pub use transitions::TransitionCounts;
pub(crate) use window::{Good, Tally, Window};
