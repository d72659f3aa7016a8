//! The one word that the fast path reads and writes: `epoch | state | run`.
//!
//! *Why it exists:* a healthy circuit must cost one load and one compare. Good calls are counted here
//! without the lock; a full run of them is not even written, because a window full of successes does
//! not change when one more success arrives. Everything else happens in [`Machine`](crate::machine),
//! under the lock, and is published here.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Instant;
use crate::state::State;

const RUN_BITS: u32 = 20;
const STATE_BITS: u32 = 3;
const EPOCH_SHIFT: u32 = RUN_BITS + STATE_BITS;
const RUN: u64 = (1 << RUN_BITS) - 1;
const STATE: u64 = ((1 << STATE_BITS) - 1) << RUN_BITS;

/// The number of a circuit's period between two changes of state, in 41 bits (R10), where the word has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl Epoch {
    pub(crate) const fn of(count: u64) -> Self {
        Self(count << EPOCH_SHIFT)
    }

    fn next(self) -> Self {
        Self(self.0.wrapping_add(1 << EPOCH_SHIFT))
    }
}

/// One reading of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(u64);

impl Word {
    pub(crate) fn new(epoch: Epoch, state: State, run: u32) -> Self {
        let state = match state {
            State::Closed => 0,
            State::Open => 1,
            State::HalfOpen => 2,
            State::ForcedOpen => 3,
            State::Disabled => 4,
        };
        Self(epoch.0 | state << RUN_BITS | u64::from(run))
    }

    #[inline]
    pub(crate) fn epoch(self) -> Epoch {
        Epoch(self.0 & !(STATE | RUN))
    }

    pub(crate) fn state(self) -> State {
        match (self.0 & STATE) >> RUN_BITS {
            0 => State::Closed,
            1 => State::Open,
            2 => State::HalfOpen,
            3 => State::ForcedOpen,
            _ => State::Disabled,
        }
    }

    /// Good calls since the last bad one, saturating at the window.
    #[inline]
    pub(crate) fn run(self) -> u32 {
        (self.0 & RUN) as u32
    }

    #[inline]
    pub(crate) fn is_closed(self) -> bool {
        self.0 & STATE == 0
    }

    #[inline]
    pub(crate) fn is_closed_in(self, epoch: Epoch) -> bool {
        self.0 & !RUN == epoch.0
    }
}

/// The word itself, and beside it how long it can be trusted. Whoever changes anything but `run` holds
/// the machine's lock; `run` moves without it, and only upwards.
#[derive(Debug)]
pub(crate) struct AtomicWord {
    bits: AtomicU64,
    /// Until then nothing but what is published here can change the state; after that the machine must be
    /// asked. Zero while it changes, so that it is never read together with another epoch's word.
    holds_until: AtomicU64,
    /// `run` stops here: the count window, or 1 where only "was there a success" matters.
    longest_run: u32,
}

impl AtomicWord {
    pub(crate) fn new(word: Word, holds_until: Instant, longest_run: u32) -> Self {
        let (bits, holds_until) = (word.0.into(), holds_until.as_nanos().into());
        Self { bits, holds_until, longest_run }
    }

    #[inline]
    pub(crate) fn load(&self) -> Word {
        Word(self.bits.load(Ordering::Acquire))
    }

    /// Until when the machine need not be asked, as far as is known.
    #[inline]
    pub(crate) fn holds_until(&self) -> Instant {
        Instant::from_nanos(self.holds_until.load(Ordering::Acquire))
    }

    /// Counts a good call of that epoch; `false` if the circuit has moved on since.
    #[inline]
    pub(crate) fn count_good(&self, epoch: Epoch) -> bool {
        let seen = self.load();
        if seen.is_closed_in(epoch) && seen.run() >= self.longest_run {
            return true;
        }
        self.lengthen_run(epoch, seen)
    }

    fn lengthen_run(&self, epoch: Epoch, mut seen: Word) -> bool {
        loop {
            if !seen.is_closed_in(epoch) {
                return false;
            }
            if seen.run() >= self.longest_run {
                return true;
            }
            match self.exchange(seen, Word(seen.0 + 1)) {
                Ok(()) => return true,
                Err(now) => seen = now,
            }
        }
    }

    /// One exchange ends the run and, if the verdict is to trip, opens the circuit: no good call can
    /// slip between what was judged and what is published. Needs the lock.
    pub(crate) fn end_run<V>(&self, judge: impl Fn(u32) -> Option<V>) -> (u32, Option<V>) {
        let mut seen = self.load();
        loop {
            let verdict = judge(seen.run());
            let next = match verdict {
                Some(_) => {
                    self.holds_until.store(0, Ordering::Release);
                    Word::new(seen.epoch().next(), State::Open, 0)
                }
                None => Word(seen.0 & !RUN),
            };
            match self.exchange(seen, next) {
                Ok(()) => return (seen.run(), verdict),
                Err(now) => seen = now,
            }
        }
    }

    /// Shows the state that the machine is in, and how long it holds. Needs the lock.
    pub(crate) fn publish(&self, epoch: Epoch, state: State, holds_until: Instant) {
        let shown = self.load();
        if (shown.epoch(), shown.state()) != (epoch, state) {
            self.holds_until.store(0, Ordering::Release);
            self.bits.store(Word::new(epoch, state, 0).0, Ordering::Release);
        }
        if self.holds_until() != holds_until {
            self.holds_until.store(holds_until.as_nanos(), Ordering::Release);
        }
    }

    fn exchange(&self, seen: Word, next: Word) -> Result<(), Word> {
        self.bits
            .compare_exchange_weak(seen.0, next.0, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 5] =
        [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled];

    fn closed(run: u32, longest_run: u32) -> AtomicWord {
        let word = Word::new(Epoch::of(3), State::Closed, run);
        AtomicWord::new(word, Instant::NEVER, longest_run)
    }

    #[test]
    fn a_word_gives_back_what_it_was_made_of() {
        for state in STATES {
            for epoch in [0, 1, u64::MAX] {
                for run in [0, 1, 1_000_000] {
                    let word = Word::new(Epoch::of(epoch), state, run);
                    assert_eq!(
                        (word.epoch(), word.state(), word.run()),
                        (Epoch::of(epoch), state, run)
                    );
                    assert_eq!(word.is_closed_in(Epoch::of(epoch)), state == State::Closed);
                    assert!(!word.is_closed_in(Epoch::of(epoch.wrapping_add(1))));
                }
            }
        }
    }

    #[test]
    fn r10_an_epoch_has_at_least_40_bits_and_wraps() {
        assert_ne!(Epoch::of(0), Epoch::of(1 << 40));
        assert_eq!(Epoch::of(u64::MAX).next(), Epoch::of(0));
    }

    #[test]
    fn a_full_run_is_not_written() {
        let word = closed(0, 2);
        for run in [1, 2, 2, 2] {
            assert!(word.count_good(Epoch::of(3)));
            assert_eq!(word.load().run(), run);
        }
    }

    #[test]
    fn r10_a_good_call_of_another_epoch_is_not_counted() {
        let word = closed(0, 2);
        assert!(!word.count_good(Epoch::of(2)));
        word.publish(Epoch::of(4), State::Open, Instant::NEVER);
        assert!(!word.count_good(Epoch::of(4)));
        assert_eq!(word.load(), Word::new(Epoch::of(4), State::Open, 0));
    }

    #[test]
    fn ending_a_run_clears_it_and_a_verdict_opens_in_the_same_exchange() {
        let word = closed(5, 9);
        assert_eq!(word.end_run(|_| None::<()>), (5, None));
        assert_eq!(word.load(), Word::new(Epoch::of(3), State::Closed, 0));
        assert_eq!(word.end_run(Some), (0, Some(0)));
        assert_eq!(word.load(), Word::new(Epoch::of(4), State::Open, 0));
        assert_eq!(word.holds_until(), Instant::ZERO, "how long it is open is not known yet");
    }

    #[test]
    fn what_is_published_holds_as_long_as_the_machine_says() {
        let word = closed(7, 9);
        word.publish(Epoch::of(3), State::Closed, Instant::from_nanos(5));
        assert_eq!((word.load().run(), word.holds_until()), (7, Instant::from_nanos(5)));
        word.publish(Epoch::of(4), State::Open, Instant::from_nanos(6));
        assert_eq!((word.load().run(), word.holds_until()), (0, Instant::from_nanos(6)));
    }
}
