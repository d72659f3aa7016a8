//! The settings that calls read without the lock.
//!
//! Each value is independent: a call during a change may read some old and some new values. So nothing here decides
//! what a permit holds or how it is timed. The permit remembers that.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use super::clock::Stopwatch;
use crate::rules::{Left, nanos};
use crate::settings::{Mode, Options, Settings, WindowSize};

#[derive(Debug)]
pub(super) struct Dials {
    /// A call that takes more nanoseconds than this is slow; the most there are if none is.
    slow_after: AtomicU64,
    /// No refusal of this opening asks for more patience than this, whatever the clock does (R17).
    longest_refusal: AtomicU64,
    stopwatch: AtomicU8,
    /// Whether good calls were ever counted by time. From then on the totals must follow the epochs.
    follows_epochs: AtomicBool,
    /// Whether the circuit judges and refuses no call.
    is_observing: AtomicBool,
    /// With the machine's settings, this makes the config.
    stated: AtomicU32,
    /// The number of the terms that apply.
    terms: AtomicU64,
}

impl Dials {
    pub(super) fn new(
        settings: &Settings,
        stated: Options,
        stopwatch: Stopwatch,
        terms: u64,
    ) -> Self {
        let dials = Self {
            slow_after: AtomicU64::new(0),
            longest_refusal: AtomicU64::new(0),
            stopwatch: AtomicU8::new(0),
            follows_epochs: AtomicBool::new(matches!(settings.window, WindowSize::Time(_))),
            is_observing: AtomicBool::new(settings.mode == Mode::Observe),
            stated: AtomicU32::new(0),
            terms: AtomicU64::new(0),
        };
        dials.set(settings, stated, stopwatch, terms);
        dials
    }

    /// Needs the machine's lock.
    pub(super) fn set(
        &self,
        settings: &Settings,
        stated: Options,
        stopwatch: Stopwatch,
        terms: u64,
    ) {
        let slow_after = settings.slow_call.map_or(u64::MAX, nanos);
        self.slow_after.store(slow_after, Ordering::Relaxed);
        self.stopwatch.store(stopwatch as u8, Ordering::Relaxed);
        self.stated.store(stated.bits(), Ordering::Relaxed);
        self.terms.store(terms, Ordering::Relaxed);
    }

    /// Needs the machine's lock.
    pub(super) fn terms(&self) -> u64 {
        self.terms.load(Ordering::Relaxed)
    }

    /// Needs the machine's lock, so that it shows the machine's mode.
    pub(super) fn set_observing(&self, is_observing: bool) {
        self.is_observing.store(is_observing, Ordering::Relaxed);
    }

    /// Read without the lock: a full bulkhead refuses without it.
    pub(super) fn is_observing(&self) -> bool {
        self.is_observing.load(Ordering::Relaxed)
    }

    /// Needs the machine's lock, as does what follows.
    pub(super) fn follows_epochs(&self) -> bool {
        self.follows_epochs.load(Ordering::Relaxed)
    }

    pub(super) fn follow_epochs(&self) {
        self.follows_epochs.store(true, Ordering::Relaxed);
    }

    pub(super) fn slow_after(&self) -> u64 {
        self.slow_after.load(Ordering::Relaxed)
    }

    /// Needs the machine's lock. The word that is published after that shows it, too.
    pub(super) fn set_longest_refusal(&self, longest: Left) {
        self.longest_refusal.store(longest.as_nanos(), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn longest_refusal(&self) -> Left {
        Left::from_nanos(self.longest_refusal.load(Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn stopwatch(&self) -> Stopwatch {
        Stopwatch::of(self.stopwatch.load(Ordering::Relaxed))
    }

    /// Needs the machine's lock.
    pub(super) fn stated(&self) -> Options {
        Options::from_bits(self.stated.load(Ordering::Relaxed))
    }
}
