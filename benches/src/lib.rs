//! The functions that are measured: annotated, and the same ones bare.

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

/// The work of every call.
///
/// # Errors
///
/// [`Fault::Down`] if it is told to fail.
#[inline(never)]
pub fn bare(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

/// The same behind a circuit with a window of 100 calls.
///
/// # Errors
///
/// As [`bare`], and [`Fault::Refused`] if the circuit is open.
#[circuit_breaker(name = "benches.sync", failure_rate = 0.5, window = 100, minimum_calls = 100)]
#[inline(never)]
pub fn guarded(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}
