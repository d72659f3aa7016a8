//! One circuit as threads share it: the fast path, the lock around the rules, permits, the bulkhead and the clock.

mod acquire;
mod audience;
mod breaker;
mod buckets;
mod bulkhead;
mod call_error;
mod cells;
mod claim;
mod clock;
mod controls;
mod counts;
#[cfg(feature = "test-util")]
mod delay;
#[cfg(not(feature = "test-util"))]
#[path = "circuit/no_delay.rs"]
mod delay;
mod dials;
mod ending;
mod error;
mod extras;
mod find_in;
mod fleet;
mod guard;
mod guarded;
#[cfg(feature = "stream")]
mod guarded_stream;
mod held_permit;
mod histograms;
mod hung;
mod locked;
mod on_cancel;
mod owned_permit;
mod passage;
mod permit;
mod refit;
mod said;
#[cfg(feature = "test-util")]
mod staged;
mod sync;
#[cfg(feature = "tokio")]
mod timed;
#[cfg(all(feature = "tokio", not(feature = "test-util")))]
mod timer;
#[cfg(feature = "test-util")]
#[path = "circuit/test_timer.rs"]
mod timer;
#[cfg(not(feature = "tokio"))]
#[path = "circuit/no_timer.rs"]
mod timer;
mod timings;
mod totals;
mod watch;
mod word;

pub use acquire::Acquire;
pub(crate) use audience::{
    Attention, Audience, Description, Membership, News, Overridden, Terms, Topic,
};
pub use breaker::CircuitBreaker;
pub(crate) use breaker::Counted;
pub(crate) use bulkhead::Bulkhead;
pub use call_error::CallError;
pub(crate) use clock::Source;
pub use clock::{Clock, ManualClock};
pub(crate) use controls::zero_limit;
pub use counts::{Calls, Rejections};
pub use error::{Rejected, TimedOut};
pub use fleet::{FleetStatus, FleetView};
pub use guard::Guard;
pub(crate) use guarded::Suspended;
pub use guarded::{FailsAfter, Guarded};
#[cfg(feature = "stream")]
pub use guarded_stream::GuardedStream;
pub use held_permit::{Entered, HeldPermit};
pub(crate) use histograms::Timed;
pub use on_cancel::OnCancel;
pub use owned_permit::OwnedPermit;
pub(crate) use permit::IfDropped;
pub use permit::{Admission, Permit};
pub(crate) use said::{Said, words};
pub(crate) use sync::{
    AtomicBool, AtomicU64, Condvar, Global, Mutex, MutexGuard, Patience, RwLock, thread_local,
};
#[cfg(all(test, breaker_loom))]
pub(crate) use sync::{COUNTS_ARE_MODELLED, LOADS_ARE_CHANGES};
#[cfg(feature = "tokio")]
pub use timer::{Elapsed, Within};
pub use timings::Timings;
pub(crate) use word::Epoch;
