//! The system's monotonic clocks.

use std::time;

use once_cell::sync::Lazy;
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::time::{ClockId, clock_gettime};

use super::Instant;

/// The time as of the last tick of the system.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
#[expect(clippy::cast_sign_loss, reason = "the monotonic clock begins at 0")]
pub(super) fn coarse() -> Instant {
    const SECOND: u64 = 1_000_000_000;
    let now = clock_gettime(ClockId::MonotonicCoarse);
    // It wraps after 584 years, and a clock that goes back breaks nothing. To saturate takes six instructions.
    Instant::from_nanos((now.tv_sec as u64).wrapping_mul(SECOND).wrapping_add(now.tv_nsec as u64))
}

#[cfg(target_os = "macos")]
#[inline]
pub(super) fn coarse() -> Instant {
    // The other `now` of that crate writes to a static, which threads would share.
    let now = coarsetime::Instant::now_without_cache_update();
    Instant::from_nanos(now.duration_since(coarsetime::Instant::from_ticks(0)).as_nanos())
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
fn origin() -> Instant {
    coarse()
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
fn origin() -> Instant {
    Instant::ZERO
}

/// Where no coarse clock is known to be monotonic and even.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
pub(super) fn coarse() -> Instant {
    precise()
}

// It is long, and would make the way of those who read the coarse clock longer.
#[inline(never)]
pub(super) fn precise() -> Instant {
    // Its origin is that of the coarse clock, so that a circuit may go on with the other.
    static ORIGIN: Lazy<(time::Instant, Instant)> = Lazy::new(|| (time::Instant::now(), origin()));
    let (begun, shown) = &*ORIGIN;
    shown.after(begun.elapsed())
}

/// The processor's counter where it is steady, and the system's clock elsewhere.
#[inline(never)]
pub(super) fn counter() -> Instant {
    static CLOCK: Lazy<(quanta::Clock, u64)> = Lazy::new(|| {
        let clock = quanta::Clock::new();
        let origin = clock.raw();
        (clock, origin)
    });
    let (clock, origin) = &*CLOCK;
    Instant::from_nanos(clock.delta_as_nanos(*origin, clock.raw()))
}
