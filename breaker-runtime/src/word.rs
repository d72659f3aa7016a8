//! The one word that the fast path reads and writes: `epoch | state | run`.
//!
//! *Why it exists:* a healthy circuit must cost one load and one compare. Good calls are counted here
//! without the lock; a full run of them is not even written, because a window full of successes does
//! not change when one more success arrives. Everything else happens in [`Machine`](crate::machine),
//! under the lock, and is published here.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::machine::Run;
use crate::state::State;

const RUN_BITS: u32 = 20;
const STATE_BITS: u32 = 3;
const EPOCH_BITS: u32 = u64::BITS - STATE_BITS - RUN_BITS;

/// The number of a circuit's period between two changes of state, in 41 bits (R10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl Epoch {
    pub(crate) const fn of(count: u64) -> Self {
        Self(count & ((1 << EPOCH_BITS) - 1))
    }

    fn next(self) -> Self {
        Self::of(self.0 + 1)
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
        Self(epoch.0 << (STATE_BITS + RUN_BITS) | state << RUN_BITS | u64::from(run))
    }

    pub(crate) fn epoch(self) -> Epoch {
        Epoch(self.0 >> (STATE_BITS + RUN_BITS))
    }

    pub(crate) fn state(self) -> State {
        match (self.0 >> RUN_BITS) & ((1 << STATE_BITS) - 1) {
            0 => State::Closed,
            1 => State::Open,
            2 => State::HalfOpen,
            3 => State::ForcedOpen,
            _ => State::Disabled,
        }
    }

    /// Good calls since the last bad one, saturating at the window.
    pub(crate) fn run(self) -> u32 {
        (self.0 & ((1 << RUN_BITS) - 1)) as u32
    }

    pub(crate) fn is_closed_in(self, epoch: Epoch) -> bool {
        self.0 >> RUN_BITS == epoch.0 << STATE_BITS
    }
}

/// The word itself. Whoever changes the epoch or the state holds the machine's lock; only `run`
/// moves without it, and only upwards.
#[derive(Debug)]
pub(crate) struct AtomicWord {
    bits: AtomicU64,
    /// `run` stops here: the count window, or 1 where only "was there a success" matters.
    longest_run: u32,
}

impl AtomicWord {
    pub(crate) fn new(word: Word, longest_run: u32) -> Self {
        Self { bits: AtomicU64::new(word.0), longest_run }
    }

    #[inline]
    pub(crate) fn load(&self) -> Word {
        Word(self.bits.load(Ordering::Acquire))
    }

    /// Counts a good call of that epoch; `false` if the circuit has moved on since.
    #[inline]
    pub(crate) fn count_good(&self, epoch: Epoch) -> bool {
        let mut seen = self.load();
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

    /// Shows the state that the machine is in. Needs the lock.
    pub(crate) fn publish(&self, epoch: Epoch, state: State) {
        let shown = self.load();
        if (shown.epoch(), shown.state()) != (epoch, state) {
            self.bits.store(Word::new(epoch, state, 0).0, Ordering::Release);
        }
    }

    fn exchange(&self, seen: Word, next: Word) -> Result<(), Word> {
        self.bits
            .compare_exchange_weak(seen.0, next.0, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(Word)
    }
}

impl Run for AtomicWord {
    /// One exchange ends the run and, if the verdict is to trip, opens the circuit: no good call can
    /// slip between what was judged and what is published.
    fn end<V>(&self, judge: impl Fn(u32) -> Option<V>) -> (u32, Option<V>) {
        let mut seen = self.load();
        loop {
            let verdict = judge(seen.run());
            let next = match verdict {
                Some(_) => Word::new(seen.epoch().next(), State::Open, 0),
                None => Word::new(seen.epoch(), seen.state(), 0),
            };
            match self.exchange(seen, next) {
                Ok(()) => return (seen.run(), verdict),
                Err(now) => seen = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 5] =
        [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled];

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
        let word = AtomicWord::new(Word::new(Epoch::of(3), State::Closed, 0), 2);
        for run in [1, 2, 2, 2] {
            assert!(word.count_good(Epoch::of(3)));
            assert_eq!(word.load().run(), run);
        }
    }

    #[test]
    fn r10_a_good_call_of_another_epoch_is_not_counted() {
        let word = AtomicWord::new(Word::new(Epoch::of(3), State::Closed, 0), 2);
        assert!(!word.count_good(Epoch::of(2)));
        word.publish(Epoch::of(4), State::Open);
        assert!(!word.count_good(Epoch::of(4)));
        assert_eq!(word.load(), Word::new(Epoch::of(4), State::Open, 0));
    }

    #[test]
    fn ending_a_run_clears_it_and_a_verdict_opens_in_the_same_exchange() {
        let word = AtomicWord::new(Word::new(Epoch::of(3), State::Closed, 5), 9);
        assert_eq!(word.end(|_| None::<()>), (5, None));
        assert_eq!(word.load(), Word::new(Epoch::of(3), State::Closed, 0));
        assert_eq!(word.end(Some), (0, Some(0)));
        assert_eq!(word.load(), Word::new(Epoch::of(4), State::Open, 0));
    }
}
