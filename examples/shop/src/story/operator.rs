//! What an operator does. The dashboard's controls do the same.

use std::time::Duration;

use breaker_runtime::{ConfigErrors, Mode, Override, registry};

pub(super) fn take_out(circuit: &str, limit: Duration) -> Result<(), ConfigErrors> {
    registry().override_for(circuit, Override::Mode(Mode::ForcedOpen), Some(limit), "the tour")
}
