//! What few circuits have: a bulkhead, a watch for calls that hang, settings that end, and options of functions from
//! outside the code.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use once_cell::race::OnceBox;

use super::audience::Terms;
use super::bulkhead::Bulkhead;
use super::histograms::{Histograms, Success};
use super::timer::Timer;
use super::watch::Watch;
use crate::rules::{Ending, Instant, nanos};
use crate::settings::{Effective, Settings};

/// Made when a circuit first needs any of it.
#[derive(Debug)]
pub(super) struct Extras {
    pub(super) bulkhead: Bulkhead,
    /// Made when calls are first to be watched.
    pub(super) watch: OnceBox<Watch>,
    /// Made when calls are first to be timed.
    pub(super) histograms: OnceBox<Histograms>,
    /// When the first of the settings ends that are there for a time.
    lapses_at: AtomicU64,
    /// In nanoseconds; 0 leaves it to the function.
    call_timeout: AtomicU64,
    /// 0 leaves it to the functions.
    max_keys: AtomicU32,
}

impl Extras {
    pub(super) fn new(timer: Timer) -> Self {
        Self {
            bulkhead: Bulkhead::new(Bulkhead::OFF, Duration::ZERO, timer),
            watch: OnceBox::new(),
            histograms: OnceBox::new(),
            lapses_at: AtomicU64::new(Instant::NEVER.as_nanos()),
            call_timeout: AtomicU64::new(0),
            max_keys: AtomicU32::new(0),
        }
    }

    /// Whether those settings and terms ask for any of it.
    pub(super) fn are_asked_for(settings: &Settings, terms: &Terms) -> bool {
        let Terms { effective, lapses_at, .. } = terms;
        settings.max_concurrent.is_some()
            || settings.hung_after.is_some()
            || settings.timings
            || effective.call_timeout.is_some()
            || effective.max_keys.is_some()
            || *lapses_at != Instant::NEVER
    }

    /// Needs the machine's lock.
    pub(super) fn refit(&self, settings: &Settings, terms: &Terms) {
        let limit = settings.max_concurrent.unwrap_or(Bulkhead::OFF);
        self.bulkhead.refit(limit, settings.max_wait);
        if settings.hung_after.is_some() {
            self.watch.get_or_init(|| Box::new(Watch::new()));
        }
        if settings.timings {
            self.histograms.get_or_init(|| Box::new(Histograms::new()));
        }
        let Effective { call_timeout, max_keys, .. } = terms.effective;
        let call_timeout = call_timeout.map_or(0, |limit| limit.map_or(u64::MAX, nanos));
        self.call_timeout.store(call_timeout, Ordering::Relaxed);
        self.max_keys.store(max_keys.unwrap_or(0), Ordering::Relaxed);
        self.lapses_at.store(terms.lapses_at.as_nanos(), Ordering::Release);
    }

    /// Records how long a call took, if that is kept and the call was timed.
    #[inline]
    pub(super) fn time(
        &self,
        ending: Ending,
        began: Instant,
        ended_at: Option<Instant>,
    ) -> Success<'_> {
        match (ended_at, self.histograms.get()) {
            (Some(ended_at), Some(histograms)) => histograms.record(ending, began, ended_at),
            _ => Success::NONE,
        }
    }

    pub(super) fn lapses_at(&self) -> Instant {
        Instant::from_nanos(self.lapses_at.load(Ordering::Acquire))
    }

    /// The time limit of a function that states this one. `None` if it is switched off.
    pub(super) fn call_timeout(&self, stated: Duration) -> Option<Duration> {
        match self.call_timeout.load(Ordering::Relaxed) {
            0 => Some(stated),
            u64::MAX => None,
            limit => Some(Duration::from_nanos(limit)),
        }
    }

    pub(super) fn max_keys(&self) -> Option<u32> {
        Some(self.max_keys.load(Ordering::Relaxed)).filter(|keys| *keys > 0)
    }
}
