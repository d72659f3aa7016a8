//! Stands in a file of its own, so that its line in the golden file changes with nothing else.

use breaker_runtime::circuit_breaker;

#[circuit_breaker(
    name = "json.search",
    failure_threshold = 3,
    slow_call = "250ms",
    max_concurrent = 8
)]
pub(crate) fn search() -> Option<()> {
    Some(())
}
