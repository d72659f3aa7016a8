//! Durations as a person would say them.

use std::fmt;
use std::time::Duration;

/// Shows a duration, rounded down to what matters at its size: `250ms`, `1s 500ms`, `12s`, `1m 30s`.
#[derive(Debug)]
pub(crate) struct Readable(pub(crate) Duration);

impl fmt::Display for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = match self.0 {
            long if long >= Duration::from_secs(10) => Duration::from_secs(long.as_secs()),
            short if short >= Duration::from_millis(10) => {
                Duration::new(short.as_secs(), short.subsec_millis() * 1_000_000)
            }
            tiny => tiny,
        };
        humantime::format_duration(rounded).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_rounded_to_what_matters_at_its_size() {
        let readable = |nanos: u64| Readable(Duration::from_nanos(nanos)).to_string();
        assert_eq!(readable(0), "0s");
        assert_eq!(readable(1_500), "1us 500ns");
        assert_eq!(readable(250_000_999), "250ms");
        assert_eq!(readable(1_500_000_000), "1s 500ms");
        assert_eq!(readable(12_999_999_999), "12s");
        assert_eq!(readable(90_000_000_000), "1m 30s");
        assert!(!Readable(Duration::MAX).to_string().is_empty());
    }
}
