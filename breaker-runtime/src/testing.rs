//! A kit for tests of code that is guarded. Only with feature `test-util`.
//!
//! # Why it exists
//!
//! Circuits are shared by the whole process, and `cargo test` runs the tests of a binary on threads of one process. So
//! a test that opens a circuit breaks its neighbours, and a test that waits for a cooldown waits in real time. In an
//! isolated test, annotated functions go through circuits of the test's own, and the clock stands still until the test
//! advances it.
//!
//! ```standalone_crate
//! # #[cfg(feature = "macros")] {
//! use std::time::Duration;
//! use breaker_runtime::{circuit_breaker, testing};
//!
//! #[circuit_breaker(name = "prices", failure_threshold = 3, cooldown = "10s", success_threshold = 1)]
//! fn price(up: bool) -> Result<u32, Box<dyn std::error::Error>> {
//!     if up { Ok(99) } else { Err("down".into()) }
//! }
//!
//! let test = testing::isolate();
//! for _ in 0..3 {
//!     assert!(price(false).is_err());
//! }
//! assert_eq!(test.transitions("prices"), "closed -> open");
//! test.advance(Duration::from_secs(10));
//! assert_eq!(price(true).unwrap(), 99);
//! let last = test.events("prices").pop().unwrap();
//! assert_eq!(last.to_string(), "half_open -> closed: 1 good probe");
//! # }
//! ```
//!
//! # How it works
//!
//! [`isolate`] gives the thread a [`Registry`](crate::Registry) of the test's own, until the guard is dropped. Annotated functions and
//! [`registry()`](crate::registry()) look there first. Every annotated function of the program is in it, closed.
//! Isolated tests may nest, and the innermost counts. Any number may run at once.
//!
//! `registry()` returns a `&'static Registry`, so these registries are never freed. Registries are reused by later
//! tests. So there are at most as many as tests that ran at once. Each test that leaves something running that holds a
//! circuit or a subscription adds one. Do not keep what `registry()` returned beyond the end of the test.

mod assertions;
mod handle;
mod isolated;
mod transitions;

pub use self::assertions::{assert_no_conflicts, assert_settings};
pub use self::handle::{Entered, Handle, Wrapped};
pub use self::isolated::Isolated;
pub use self::transitions::Transitions;
use crate::circuit::{Clock, ManualClock};
pub use crate::registry::Fault;
use crate::registry::be_strict;

/// Gives this thread circuits of its own and a clock that stands still, until the guard is dropped.
///
/// The clock holds for all that annotated functions measure: cooldowns, windows, `slow_call`, `call_timeout`,
/// `max_wait`, `on_cancel`, and overrides. [`Isolated::advance`] moves it.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use breaker_runtime::{circuit_breaker, registry, testing};
///
/// #[circuit_breaker(name = "stock")]
/// fn stock() -> Option<u32> {
///     Some(7)
/// }
///
/// {
///     let test = testing::isolate();
///     test.open("stock");
///     assert_eq!(stock(), None);
/// }
/// assert_eq!(stock(), Some(7)); // the process has a circuit of its own
/// # }
/// ```
#[must_use = "the test is isolated until the guard is dropped: write `let test = testing::isolate();`"]
pub fn isolate() -> Isolated {
    isolate_with(Clock::Manual(ManualClock::new()))
}

/// Like [`isolate`], with a clock of your choice.
///
/// * [`Clock::Tokio`] follows tokio's clock: what `tokio::time::advance` and auto-advance move in a test with
///   `start_paused = true`.
/// * [`Clock::System`] runs. In a paused tokio runtime it stands still, too, as everywhere with feature `test-util`.
/// * [`Clock::Manual`] is a clock of yours. From then on it drives `call_timeout` and `max_wait` of every circuit that
///   is on it, also after the test. Use a new clock for each test.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Clock, Config, State, testing};
///
/// let test = testing::isolate_with(Clock::System);
/// let config = Config::new().cooldown(Duration::from_millis(1));
/// let queue = test.registry().get_or_create("queue", config)?;
/// queue.trip();
/// std::thread::sleep(Duration::from_millis(5));
/// assert!(queue.snapshot().probe_due);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[must_use = "the test is isolated until the guard is dropped: write `let test = testing::isolate_with(..);`"]
pub fn isolate_with(clock: Clock) -> Isolated {
    Isolated::new(clock)
}

/// From now on, a guarded call from a thread that is in no isolated test panics, in the whole process. The message says
/// how to enter one.
///
/// Without it, such a call goes through the circuits of the process, as ever. Call it at the start of every test, or of
/// none: it cannot be switched off.
///
/// # Examples
///
/// ```standalone_crate
/// # #[cfg(feature = "macros")] {
/// use breaker_runtime::{circuit_breaker, testing};
///
/// #[circuit_breaker(name = "strict.stock")]
/// fn stock() -> Option<u32> {
///     Some(7)
/// }
///
/// testing::strict();
/// assert!(std::panic::catch_unwind(stock).is_err()); // outside of a test
/// let _test = testing::isolate();
/// assert_eq!(stock(), Some(7));
/// # }
/// ```
pub fn strict() {
    be_strict();
}
