//! Durations for people: rounded and with units.

use std::fmt;
use std::time::Duration;

/// Displays a duration with a precision that fits its size: `250ms`, `1s 500ms`, `12s`, `1m 30s`.
#[derive(Debug)]
pub(crate) struct Readable(pub(crate) Duration);

impl fmt::Display for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.0 {
            long if long >= Duration::from_secs(10) => Duration::from_secs(1),
            short if short >= Duration::from_secs(1) => Duration::from_millis(10),
            brief if brief >= Duration::from_millis(10) => Duration::from_millis(1),
            tiny if tiny >= Duration::from_micros(10) => Duration::from_micros(1),
            _ => Duration::from_nanos(1),
        };
        humantime::format_duration(rounded(self.0, step)).fmt(f)
    }
}

fn rounded(duration: Duration, step: Duration) -> Duration {
    let step = step.as_nanos();
    let steps = (duration.as_nanos() + step / 2) / step;
    u64::try_from(steps * step).map_or(duration, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_rounded_to_what_matters_at_its_size() {
        let readable = |nanos: u64| Readable(Duration::from_nanos(nanos)).to_string();
        assert_eq!(readable(0), "0s");
        assert_eq!(readable(1_500), "1us 500ns");
        assert_eq!(readable(50_095), "50us");
        assert_eq!(readable(250_000_999), "250ms");
        assert_eq!(readable(1_500_000_000), "1s 500ms");
        assert_eq!(readable(9_999_600_000), "10s");
        assert_eq!(readable(12_400_000_000), "12s");
        assert_eq!(readable(90_000_000_000), "1m 30s");
        assert!(!Readable(Duration::MAX).to_string().is_empty());
    }
}
