//! Circuits that somebody switched for a time, after which they are reset.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde::Serialize;
use tokio::time::Instant;

/// A circuit that is switched for a time.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    pub(crate) action: &'static str,
    pub(crate) until: Instant,
    pub(crate) by: Option<SocketAddr>,
    /// The circuit's when it was switched. If it has another one, somebody else has switched it since.
    pub(crate) epoch: u64,
}

/// The same for people, with the seconds that are left.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    action: &'static str,
    left: f64,
    by: Option<SocketAddr>,
}

#[derive(Debug, Default)]
pub(crate) struct Overrides {
    by_name: HashMap<String, (u64, Override)>,
    last: u64,
}

impl Overrides {
    /// Notes one, in place of one that was there, and returns its number.
    pub(crate) fn set(&mut self, name: &str, made: Override) -> u64 {
        self.last += 1;
        self.by_name.insert(name.to_owned(), (self.last, made));
        self.last
    }

    pub(crate) fn clear(&mut self, name: &str) {
        self.by_name.remove(name);
    }

    /// Takes the one of that number, unless another one came in its place.
    pub(crate) fn take(&mut self, name: &str, number: u64) -> Option<Override> {
        self.by_name.get(name).filter(|(known, _)| *known == number)?;
        self.by_name.remove(name).map(|(_, made)| made)
    }

    /// What to show of a circuit that has this epoch.
    pub(crate) fn shown(&self, name: &str, epoch: u64, now: Instant) -> Option<Shown> {
        let (_, Override { action, until, by, .. }) =
            self.by_name.get(name).filter(|(_, made)| made.epoch == epoch)?;
        let left = until.saturating_duration_since(now).as_secs_f64();
        Some(Shown { action, left, by: *by })
    }
}
