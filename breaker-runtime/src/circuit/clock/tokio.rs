//! Tokio's clock instead of the system's, so that tests with paused time move circuits too.

use std::time::Duration;

use once_cell::sync::Lazy;
use tokio::runtime::Handle;
use tokio::time;

use super::Instant;

/// What the clock shows at the origin: a paused runtime may stand still at a moment before that.
const AT_ORIGIN: Duration = Duration::from_secs(1_000_000_000);

pub(super) fn coarse() -> Instant {
    precise()
}

pub(super) fn counter() -> Instant {
    precise()
}

pub(super) fn precise() -> Instant {
    static ORIGIN: Lazy<time::Instant> = Lazy::new(time::Instant::now);
    // A thread that takes itself down may have no runtime to ask any more, and asking would panic.
    let is_ending = Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed());
    let now = if is_ending { std::time::Instant::now().into() } else { time::Instant::now() };
    let after = now.saturating_duration_since(*ORIGIN);
    let before = ORIGIN.saturating_duration_since(now);
    Instant::ZERO.after(AT_ORIGIN.saturating_add(after).saturating_sub(before))
}
