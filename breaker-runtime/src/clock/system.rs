//! The system's monotonic clocks.

use once_cell::sync::Lazy;

use super::Instant;

/// The time as of the last tick of the system.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos", windows))]
#[inline]
pub(super) fn coarse() -> Instant {
    // Ticks are 2^-32 s. The other `now` of that crate writes to a static, which threads would share.
    let ticks = coarsetime::Instant::now_without_cache_update().as_ticks();
    let nanos = (u128::from(ticks) * 1_000_000_000) >> 32;
    Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Where no coarse clock is known to be monotonic.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", windows)))]
pub(super) fn coarse() -> Instant {
    precise()
}

/// The time by the processor's counter where it is steady, and by the system's clock elsewhere. The first
/// reading may take some milliseconds, in which the two are compared.
#[inline(never)]
pub(super) fn precise() -> Instant {
    static CLOCK: Lazy<(quanta::Clock, u64)> = Lazy::new(|| {
        let clock = quanta::Clock::new();
        let origin = clock.raw();
        (clock, origin)
    });
    let (clock, origin) = &*CLOCK;
    Instant::from_nanos(clock.delta_as_nanos(*origin, clock.raw()))
}
