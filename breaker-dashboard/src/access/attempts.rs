//! Counts wrong tokens, to limit guessing.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// The maximum of wrong tokens from one source in [`PERIOD`].
const MOST: usize = 10;
const PERIOD: Duration = Duration::from_secs(1);
/// The maximum of sources that are counted separately. All others count as one.
const MOST_SOURCES: usize = 1_024;

/// The source of a token. `None` is unknown.
pub(crate) type Source = Option<IpAddr>;

/// The times of the last [`MOST`] wrong tokens from one source.
#[derive(Debug, Default)]
struct Times(VecDeque<Instant>);

impl Times {
    fn is_exhausted(&self, now: Instant) -> bool {
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < PERIOD;
        self.0.len() == MOST && self.0.front().is_some_and(is_recent)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.0.back().is_none_or(|last| now.saturating_duration_since(*last) >= PERIOD)
    }

    fn add(&mut self, now: Instant) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Attempts {
    by_source: HashMap<Source, Times>,
    others: Times,
    count: u64,
    logged: Option<Instant>,
}

impl Attempts {
    /// Whether another token from there may be checked.
    pub(crate) fn may_try(&mut self, source: Source, now: Instant) -> bool {
        if self.by_source.len() >= MOST_SOURCES && !self.by_source.contains_key(&source) {
            self.by_source.retain(|_, times| !times.is_over(now));
        }
        !self.times(source).is_exhausted(now)
    }

    /// Counts a wrong or unchecked token, and returns the number so far.
    pub(crate) fn fail(&mut self, source: Source, was_looked_at: bool, now: Instant) -> u64 {
        self.count = self.count.saturating_add(1);
        if was_looked_at {
            let is_known =
                self.by_source.len() < MOST_SOURCES || self.by_source.contains_key(&source);
            let others = &mut self.others;
            let times = if is_known { self.by_source.entry(source).or_default() } else { others };
            times.add(now);
        }
        self.count
    }

    fn times(&self, source: Source) -> &Times {
        static NONE: Times = Times(VecDeque::new());
        match self.by_source.get(&source) {
            Some(times) => times,
            None if self.by_source.len() < MOST_SOURCES => &NONE,
            None => &self.others,
        }
    }

    /// Whether another line may be logged.
    pub(crate) fn is_logged(&mut self, now: Instant) -> bool {
        let is_due = self.logged.is_none_or(|at| now.saturating_duration_since(at) >= PERIOD);
        if is_due {
            self.logged = Some(now);
        }
        is_due
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn sources(count: usize) -> impl Iterator<Item = Source> {
        (0..=u32::MAX).map(|number| Some(Ipv4Addr::from_bits(number).into())).take(count)
    }

    const OTHER: Source = Some(IpAddr::V4(Ipv4Addr::BROADCAST));
    const FIRST: Source = Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    #[test]
    fn the_sources_that_are_remembered_are_bounded_and_forgotten_when_they_stop() {
        let (mut attempts, begin) = (Attempts::default(), Instant::now());
        for source in sources(MOST_SOURCES * 3) {
            let is_looked_at = attempts.may_try(source, begin);
            attempts.fail(source, is_looked_at, begin);
        }
        assert_eq!((attempts.by_source.len(), attempts.others.0.len()), (MOST_SOURCES, MOST));
        assert!(!attempts.may_try(OTHER, begin), "it counts with the others");
        assert!(attempts.may_try(FIRST, begin), "it has had one");

        let later = begin + PERIOD;
        assert!(attempts.may_try(OTHER, later));
        assert!(attempts.by_source.is_empty());
    }

    #[test]
    fn a_source_is_not_reset_by_others_that_come() {
        let (mut attempts, begin) = (Attempts::default(), Instant::now());
        for _ in 0..MOST {
            attempts.fail(FIRST, true, begin);
        }
        for source in sources(MOST_SOURCES * 2).skip(1) {
            attempts.may_try(source, begin);
            attempts.fail(source, true, begin);
        }
        assert!(!attempts.may_try(FIRST, begin + PERIOD / 2));
        assert!(attempts.may_try(FIRST, begin + PERIOD));
    }

    #[test]
    fn there_is_one_line_a_second() {
        let (mut attempts, begin) = (Attempts::default(), Instant::now());
        let logged = (0..30).filter(|step| attempts.is_logged(begin + PERIOD * *step / 10));
        assert_eq!(logged.count(), 3);
    }
}
