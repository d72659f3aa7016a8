//! The functions that are measured: annotated, and the same ones bare.
//!
//! Each has a circuit of its own, so that what one measurement leaves in a window is not in the next. Where
//! no more is said, a circuit opens when half of the last 100 calls failed.

#![expect(clippy::missing_errors_doc, reason = "they fail when told to, and when refused")]
#![expect(
    clippy::unused_async,
    reason = "the cheapest future shows best what it costs to guard one"
)]

pub mod first;

use std::error::Error;
use std::fmt;

use breaker_runtime::{Rejected, circuit_breaker};

/// Why a call failed: one byte, as a user's own error often is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The dependency failed.
    Down,
    /// The circuit refused.
    Refused,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "the dependency is down",
            Self::Refused => "the circuit refused",
        })
    }
}

impl Error for Fault {}

/// What a call does: as little as can fail.
#[inline]
fn work(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

/// The work of every call: fails if it is told to.
#[inline(never)]
pub fn bare(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// The same behind a circuit with a window of 100 calls.
#[circuit_breaker(name = "benches.sync", failure_rate = 0.5, window = 100, minimum_calls = 100)]
#[inline(never)]
pub fn guarded(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// Behind a circuit that opens after five failures in a row.
#[circuit_breaker(name = "benches.in_a_row", failure_threshold = 5)]
#[inline(never)]
pub fn in_a_row(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// Behind a circuit whose window is the last ten seconds.
#[circuit_breaker(
    name = "benches.time_window",
    failure_rate = 0.5,
    window = "10s",
    minimum_calls = 100
)]
#[inline(never)]
pub fn time_window(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// Behind a circuit that times calls, to within some milliseconds.
#[circuit_breaker(
    name = "benches.slow_coarse",
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100,
    slow_call = "1s"
)]
#[inline(never)]
pub fn slow_coarse(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// Behind a circuit that times calls precisely, as its threshold is short.
#[circuit_breaker(
    name = "benches.slow_precise",
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100,
    slow_call = "50ms"
)]
#[inline(never)]
pub fn slow_precise(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// Behind a circuit that watches its calls in flight for those that hang.
#[circuit_breaker(
    name = "benches.watched",
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100,
    hung_after = "1s"
)]
#[inline(never)]
pub fn watched(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// Behind a circuit that keeps a histogram of how long its calls take.
#[circuit_breaker(
    name = "benches.timed",
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100,
    timings = true
)]
#[inline(never)]
pub fn timed(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// For a circuit that stays open: a refused call returns an error.
#[circuit_breaker(
    name = "benches.open",
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100,
    cooldown = "1h"
)]
#[inline(never)]
pub fn refused(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// For a circuit that stays open while somebody listens: a refused call returns an error.
#[circuit_breaker(
    name = "benches.heard",
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100,
    cooldown = "1h"
)]
#[inline(never)]
pub fn heard(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// For a circuit that stays open: a refused call is answered by the fallback.
#[circuit_breaker(
    name = "benches.open_fallback",
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100,
    cooldown = "1h",
    fallback = Ok(2)
)]
#[inline(never)]
pub fn answered(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// For a circuit that stays half-open: no number of good probes that a measurement makes closes it. Like most circuits, it
/// reads the coarse clock: its cooldown is just long enough for that.
#[circuit_breaker(
    name = "benches.half_open",
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100,
    cooldown = "100ms",
    success_threshold = 4_294_967_295
)]
#[inline(never)]
pub fn probed(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// The work of a call to one of several hosts.
#[inline(never)]
pub fn bare_keyed(host: &str, fails: bool) -> Result<u64, Fault> {
    work(fails).map(|one| one + host.len() as u64)
}

/// The same with one circuit per host.
#[circuit_breaker(
    name = "benches.keyed",
    key = host,
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100
)]
#[inline(never)]
pub fn keyed(host: &str, fails: bool) -> Result<u64, Fault> {
    work(fails).map(|one| one + host.len() as u64)
}

/// The work of every call, as a future that is ready at once.
pub async fn bare_async(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// The same behind a circuit with a window of 100 calls.
#[circuit_breaker(name = "benches.async", failure_rate = 0.5, window = 100, minimum_calls = 100)]
pub async fn guarded_async(fails: bool) -> Result<u64, Fault> {
    work(fails)
}

/// For a circuit that stays open: the future of a refused call returns an error.
#[circuit_breaker(
    name = "benches.open_async",
    failure_rate = 0.5,
    window = 100,
    minimum_calls = 100,
    cooldown = "1h"
)]
pub async fn refused_async(fails: bool) -> Result<u64, Fault> {
    work(fails)
}
