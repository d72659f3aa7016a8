//! The system's monotonic clock.

use std::time;

use once_cell::sync::Lazy;

use super::Instant;

pub(super) fn now() -> Instant {
    static ORIGIN: Lazy<time::Instant> = Lazy::new(time::Instant::now);
    Instant::ZERO.after(ORIGIN.elapsed())
}
