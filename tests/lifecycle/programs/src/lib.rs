//! What the programs share: functions of another crate than theirs.

use breaker_runtime::{Rejected, circuit_breaker};

/// Why a call has no answer.
#[derive(Debug, PartialEq)]
pub enum Fault {
    /// Its circuit refused.
    Refused,
    /// It failed.
    Down,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

impl From<older::Rejected> for Fault {
    fn from(_: older::Rejected) -> Self {
        Self::Refused
    }
}

/// What a dependency answers.
pub fn answer(works: bool) -> Result<(), Fault> {
    if works { Ok(()) } else { Err(Fault::Down) }
}

/// A function of a library, whose circuit a function of the program names too.
#[circuit_breaker(name = "shared", failure_threshold = 3)]
pub fn of_the_library(works: bool) -> Result<(), Fault> {
    answer(works)
}
