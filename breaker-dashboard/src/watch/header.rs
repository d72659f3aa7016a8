//! The fields of every answer.

use std::time::Duration;

use breaker_runtime::{FleetStatus, registry};
use serde::Serialize;

use super::history::Point;
use super::process::Service;
use super::{Seen, Watch};
use crate::access::{IsTrusted, fleet_shown_to};

/// The maximum number of refused settings in every answer, and the maximum length of each in characters.
const MOST_MISTAKES: usize = 20;
const LONGEST_MISTAKE: usize = 400;

/// The fields of every answer.
#[derive(Debug, Serialize)]
pub(crate) struct Header<'a> {
    version: &'static str,
    boot: &'a str,
    uptime: f64,
    second: u64,
    service: Service<'a>,
    /// The calls of all circuits in the last minute.
    minute: Point,
    controls: bool,
    wrong_tokens: u64,
    refused: Vec<String>,
    fleet: Option<FleetStatus>,
    log_dropped: u64,
}

impl Watch {
    pub(crate) fn header(&self, seen: &Seen, trust: IsTrusted) -> Header<'_> {
        let uptime: Duration = self.began.elapsed();
        Header {
            version: env!("CARGO_PKG_VERSION"),
            boot: &self.boot,
            uptime: uptime.as_secs_f64(),
            second: seen.histories.second(),
            service: self.process.shown_to(trust, uptime),
            minute: seen.histories.minute(),
            controls: self.access.is_some(),
            wrong_tokens: self.access.as_ref().map_or(0, |access| access.wrong_tokens()),
            refused: shortened(registry().refused(), MOST_MISTAKES, LONGEST_MISTAKE),
            fleet: fleet_shown_to(trust),
            log_dropped: seen.log.dropped(),
        }
    }
}

impl Header<'_> {
    pub(super) fn at_second(self, second: u64) -> Self {
        Self { second, ..self }
    }
}

/// Keeps `most` mistakes, and cuts each to `longest` characters. The last line counts the others.
pub(super) fn shortened(mut mistakes: Vec<String>, most: usize, longest: usize) -> Vec<String> {
    let more = mistakes.len().saturating_sub(most);
    mistakes.truncate(most);
    for mistake in &mut mistakes {
        cut(mistake, longest);
    }
    mistakes.extend((more > 0).then(|| format!("and {more} more")));
    mistakes
}

/// Cuts a text to that many characters, and shows that it was longer.
pub(super) fn cut(text: &mut String, longest: usize) {
    if let Some((end, _)) = text.char_indices().nth(longest) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_few_and_short_enough_for_a_page() {
        let short = vec!["breaker.toml:3: a mistake".to_owned()];
        assert_eq!(shortened(short.clone(), 20, 400), short);
        let long = shortened(vec!["ü".repeat(1_000); 30], 20, 400);
        assert_eq!((long.len(), long[20].as_str()), (21, "and 10 more"));
        assert_eq!(long[0], format!("{}…", "ü".repeat(400)));
    }
}
