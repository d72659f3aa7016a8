//! The one word that the fast path reads and writes: `epoch | state | missing`.
//!
//! *Why it exists:* a healthy call must cost one load and one compare. Good calls are counted here without the lock.
//! Once the run is full they are not even written: a window full of successes does not change when one more arrives.
//! Everything else happens in [`Machine`](crate::rules::Machine), under the lock, and is published here.
//!
//! `missing` is the number of good calls still missing to a full run. So the word of a closed circuit with a full run
//! is just its epoch.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::sync::AtomicU64;
use crate::rules::{EPOCH_BITS, Instant, State};
use crate::settings::Settings;

const RUN_BITS: u32 = 20;
const STATE_BITS: u32 = 4;
const EPOCH_SHIFT: u32 = RUN_BITS + STATE_BITS;
/// The word and the machine count epochs alike (R10).
const _: () = assert!(EPOCH_SHIFT + EPOCH_BITS == u64::BITS);
const MISSING: u64 = (1 << RUN_BITS) - 1;
const STATE: u64 = ((1 << STATE_BITS) - 1) << RUN_BITS;
/// The bits of the state. For a closed circuit they tell whether its window is one of time, and what its calls need.
/// The word alone admits a call if none of `ASKS` is set.
const BY_TIME: u64 = 0b0001 << RUN_BITS;
const ASKS: u64 = 0b1110 << RUN_BITS;
const THROUGHOUT: u64 = 0b0010 << RUN_BITS;
const FOR_A_TIME: u64 = 0b0100 << RUN_BITS;
const NOT_CLOSED: u64 = 0b1000 << RUN_BITS;
const OPEN: u64 = NOT_CLOSED;
const HALF_OPEN: u64 = NOT_CLOSED | 1 << RUN_BITS;
const FORCED_OPEN: u64 = NOT_CLOSED | 2 << RUN_BITS;
const DISABLED: u64 = NOT_CLOSED | 3 << RUN_BITS;
const RECOVERING: u64 = NOT_CLOSED | FOR_A_TIME | 1 << RUN_BITS;
/// A code that no word has.
const NO_STATE: u64 = NOT_CLOSED | FOR_A_TIME;

/// The number of a circuit's period between two changes of state, in 40 bits (R10), placed where the word has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl Epoch {
    pub(crate) const fn of(count: u64) -> Self {
        Self(count << EPOCH_SHIFT)
    }

    /// As the machine counts it.
    pub(crate) const fn number(self) -> u64 {
        self.0 >> EPOCH_SHIFT
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// With marks, in the bits that an epoch leaves free. It is equal to no part of any word then.
    pub(crate) const fn with_marks(self, marks: u64) -> Self {
        Self(self.0 | NO_STATE | marks)
    }

    pub(crate) const fn without_marks(self) -> Self {
        Self(self.0 & !(STATE | MISSING))
    }

    pub(crate) const fn marks(self) -> u64 {
        self.0 & MISSING
    }

    fn next(self) -> Self {
        Self(self.0.wrapping_add(1 << EPOCH_SHIFT))
    }
}

impl Manner {
    pub(crate) fn of(settings: &Settings) -> Self {
        let longest_run = NonZeroU32::new(settings.longest_run());
        let Settings { slow_call, hung_after, timings, max_concurrent, .. } = *settings;
        let is_plain =
            (slow_call, hung_after, timings, max_concurrent) == (None, None, false, None);
        Self { longest_run, care: if is_plain { Care::None } else { Care::Throughout } }
    }
}

/// One reading of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(u64);

/// What calls of a closed circuit need to begin, besides the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// Nothing.
    None,
    /// A clock, a watch or a bulkhead. So they take something to end, too.
    Throughout,
}

/// How good calls of a closed circuit are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// How many good calls make a full run; `None` where they are counted by time.
    pub(crate) longest_run: Option<NonZeroU32>,
    pub(crate) care: Care,
}

impl Word {
    #[inline]
    pub(crate) fn epoch(self) -> Epoch {
        Epoch(self.0 & !(STATE | MISSING))
    }

    pub(crate) fn state(self) -> State {
        match self.0 & STATE {
            OPEN => State::Open,
            HALF_OPEN => State::HalfOpen,
            FORCED_OPEN => State::ForcedOpen,
            DISABLED => State::Disabled,
            RECOVERING => State::Recovering,
            _ => State::Closed,
        }
    }

    /// Whether the circuit is closed and a call takes no more than this look to begin.
    #[inline]
    pub(crate) fn lets_anyone_in(self) -> bool {
        self.0 & ASKS == 0
    }

    /// Whether it is closed, whatever the time.
    pub(crate) fn is_closed(self) -> bool {
        self.0 & (NOT_CLOSED | FOR_A_TIME) == 0
    }

    fn with_run_of(self, other: Self) -> Self {
        Self(self.0 & !MISSING | other.0 & MISSING)
    }

    /// Whether it is closed now, for good or for a time.
    fn is_closed_now(self) -> bool {
        self.0 & NOT_CLOSED == 0
    }

    pub(crate) fn is_half_open_in(self, epoch: Epoch) -> bool {
        self.0 & !MISSING == epoch.0 | HALF_OPEN
    }

    pub(crate) fn is_closed_in(self, epoch: Epoch) -> bool {
        self.is_closed_now() && self.epoch() == epoch
    }

    /// Whether good calls are counted by time, if it is closed.
    pub(crate) fn is_by_time(self) -> bool {
        self.0 & (NOT_CLOSED | BY_TIME) == BY_TIME
    }

    /// Whether a good call of that epoch is counted by time.
    ///
    /// # Errors
    ///
    /// What must be done with it instead.
    pub(crate) fn counts_by_time(self, epoch: Epoch) -> Result<(), Uncounted> {
        if !self.is_closed_in(epoch) {
            Err(Uncounted::TooLate)
        } else if self.is_by_time() {
            Ok(())
        } else {
            Err(Uncounted::OtherManner)
        }
    }

    /// Whether it is closed, but no longer than a timed order lasts: calls must look at the time.
    pub(crate) fn is_closed_for_a_time(self) -> bool {
        self.0 & (NOT_CLOSED | FOR_A_TIME) == FOR_A_TIME
    }

    /// Whether calls need the clock to end.
    pub(crate) fn reads_clock(self) -> bool {
        self.is_closed_now() && self.0 & (FOR_A_TIME | BY_TIME) != 0
    }

    /// Whether it is closed in that epoch and a call takes no more than this look to end.
    #[inline]
    fn counts_any_good(self, epoch: Epoch) -> bool {
        self.0 & !MISSING == epoch.0
    }

    /// Whether the run is as long as it gets.
    fn is_full(self) -> bool {
        self.0 & MISSING == 0
    }
}

/// The word itself, and beside it how long it can be trusted. A thread that changes anything but `run` holds
/// the machine's lock; `run` moves without it, and only upwards.
#[derive(Debug)]
pub(crate) struct AtomicWord {
    bits: AtomicU64,
    /// Until then nothing but what is published here can change the state; after that the machine must be
    /// asked. Zero while it changes, so that it is never read together with another epoch's word.
    holds_until: AtomicU64,
    /// How good calls are counted. Changed under the lock, so a thread that holds it reads the latest value.
    longest_run: AtomicU32,
    is_cared_for: AtomicBool,
}

/// Why a good call was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncounted {
    /// The circuit has moved on.
    TooLate,
    /// The window wants to know of the time first.
    AtAnEdge,
    /// Good calls are counted the other way.
    OtherManner,
}

impl AtomicWord {
    /// The first word of a circuit.
    pub(crate) fn new(epoch: Epoch, holds_until: Instant, manner: Manner) -> Self {
        let word = Self {
            bits: AtomicU64::new(0),
            holds_until: AtomicU64::new(holds_until.as_nanos()),
            longest_run: AtomicU32::new(0),
            is_cared_for: AtomicBool::new(false),
        };
        word.set_manner(manner);
        word.bits.store(word.showing(epoch, State::Closed).0, Ordering::Release);
        word
    }

    fn set_manner(&self, manner: Manner) {
        let longest_run = manner.longest_run.map_or(0, NonZeroU32::get);
        self.longest_run.store(longest_run, Ordering::Relaxed);
        self.is_cared_for.store(manner.care == Care::Throughout, Ordering::Relaxed);
    }

    fn longest_run(&self) -> u32 {
        self.longest_run.load(Ordering::Relaxed)
    }

    /// Goes on counting in that manner, and returns the run until then. Of a longer run than there is room for, as
    /// much is left as there is room for. Needs the lock, and something to be published after it.
    pub(crate) fn refit(&self, manner: Manner) -> u32 {
        let longest = self.longest_run();
        self.set_manner(manner);
        let mut seen = self.load();
        loop {
            let run = longest - (seen.0 & MISSING) as u32;
            let missing = self.longest_run() - run.min(self.longest_run());
            let state = match seen.0 & (NOT_CLOSED | FOR_A_TIME) {
                0 => self.closed(),
                FOR_A_TIME => FOR_A_TIME | self.closed() & BY_TIME,
                _ => seen.0 & STATE,
            };
            let next = Word(seen.epoch().0 | state | u64::from(missing));
            match self.exchange(seen, next) {
                Ok(()) => return run,
                Err(now) => seen = now,
            }
        }
    }

    #[inline]
    pub(crate) fn load(&self) -> Word {
        Word(self.bits.load(Ordering::Acquire))
    }

    /// Good calls since the last bad one, saturating at the window.
    pub(crate) fn run(&self) -> u32 {
        self.run_of(self.load())
    }

    fn run_of(&self, word: Word) -> u32 {
        self.longest_run() - (word.0 & MISSING) as u32
    }

    /// Whether the circuit is closed, and the run as long as it gets.
    pub(crate) fn is_full(&self) -> bool {
        let word = self.load();
        word.is_closed() && word.is_full()
    }

    /// Has all good calls ask the machine, until it publishes how long the word holds. Needs the lock.
    pub(crate) fn hold_up(&self) {
        self.holds_until.store(0, Ordering::Release);
    }

    /// Until when the circuit is open that was seen open, if it still is and that is known.
    #[inline]
    pub(crate) fn open_until(&self, seen: Word) -> Option<Instant> {
        let until = (seen.state() == State::Open).then(|| self.holds_until())?;
        // The two belong together if the state has not changed in between.
        (until != Instant::ZERO && self.load() == seen).then_some(until)
    }

    /// Whether the machine must be asked first, at that time.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        now >= self.holds_until()
    }

    /// Until when the machine need not be asked, as far as is known.
    fn holds_until(&self) -> Instant {
        Instant::from_nanos(self.holds_until.load(Ordering::Acquire))
    }

    /// Fast path: counts a good call of that epoch by the word alone. `false` means "take the slow path".
    #[inline]
    pub(crate) fn count_good_at_once(&self, epoch: Epoch) -> bool {
        let seen = self.load();
        let is_healthy = seen.0 == epoch.0;
        is_healthy || {
            let longer = seen.0.wrapping_sub(1);
            // The call that fills the run has more to do.
            seen.counts_any_good(epoch)
                && longer != epoch.0
                && self.exchange(seen, Word(longer)).is_ok()
        }
    }

    /// The same for a call of a circuit whose calls are timed.
    #[inline]
    pub(crate) fn count_good_cared_for(&self, epoch: Epoch) -> bool {
        self.count_good_at_once(Epoch(epoch.0 | THROUGHOUT))
    }

    /// Counts a good call of that epoch, and returns whether the run is full by that.
    ///
    /// # Errors
    ///
    /// What must be done with it instead.
    pub(crate) fn count_good(&self, epoch: Epoch) -> Result<bool, Uncounted> {
        let mut seen = self.load();
        loop {
            if !seen.is_closed_in(epoch) {
                return Err(Uncounted::TooLate);
            }
            if seen.is_by_time() {
                return Err(Uncounted::OtherManner);
            }
            if seen.is_full() {
                return Ok(false);
            }
            let longer = Word(seen.0 - 1);
            match self.exchange(seen, longer) {
                Ok(()) => return Ok(longer.is_full()),
                Err(now) => seen = now,
            }
        }
    }

    /// Whether a good call of that epoch that ends now need only be counted, where there is no run.
    ///
    /// # Errors
    ///
    /// What must be done with it instead, or before.
    pub(crate) fn check_good(&self, epoch: Epoch, now: Instant) -> Result<(), Uncounted> {
        // Read first: the word proves that it is of that epoch.
        let until = self.holds_until();
        self.load().counts_by_time(epoch)?;
        if now >= until { Err(Uncounted::AtAnEdge) } else { Ok(()) }
    }

    /// One exchange ends the run and, if the verdict is to trip, opens the circuit: no good call can
    /// slip between what was judged and what is published. Needs the lock.
    pub(crate) fn end_run<V>(&self, judge: impl Fn(u32) -> Option<V>) -> (u32, Option<V>) {
        let mut seen = self.load();
        loop {
            let run = self.run_of(seen);
            let verdict = judge(run);
            let next = if verdict.is_some() {
                self.holds_until.store(0, Ordering::Release);
                self.showing(seen.epoch().next(), State::Open)
            } else {
                Word(seen.0 & !MISSING | u64::from(self.longest_run()))
            };
            match self.exchange(seen, next) {
                Ok(()) => return (run, verdict),
                Err(now) => seen = now,
            }
        }
    }

    /// Shows the state that the machine is in, and how long it holds. Needs the lock.
    pub(crate) fn publish(&self, epoch: Epoch, state: State, holds_until: Instant) {
        self.show(self.showing(epoch, state), holds_until);
    }

    /// As [`publish`](Self::publish), for a circuit that is closed no longer than a timed order lasts.
    pub(crate) fn publish_closed_for_a_time(&self, epoch: Epoch, holds_until: Instant) {
        let state = FOR_A_TIME | self.closed() & BY_TIME;
        self.show(Word(epoch.0 | state | u64::from(self.longest_run())), holds_until);
    }

    fn show(&self, next: Word, holds_until: Instant) {
        let mut seen = self.load();
        if (seen.0 ^ next.0) & !MISSING != 0 {
            self.holds_until.store(0, Ordering::Release);
            let goes_on = next.is_closed_now() && seen.is_closed_in(next.epoch());
            // An exchange, so that a good call's is either before it, or sees it and fails.
            while goes_on && let Err(now) = self.exchange(seen, next.with_run_of(seen)) {
                seen = now;
            }
            if !goes_on {
                self.bits.swap(next.0, Ordering::AcqRel);
            }
        }
        if self.holds_until() != holds_until {
            self.holds_until.store(holds_until.as_nanos(), Ordering::Release);
        }
    }

    /// The code of the closed state.
    fn closed(&self) -> u64 {
        let by_time = if self.longest_run() == 0 { BY_TIME } else { 0 };
        let care = if self.is_cared_for.load(Ordering::Relaxed) { THROUGHOUT } else { 0 };
        by_time | care
    }

    /// A word without a run.
    fn showing(&self, epoch: Epoch, state: State) -> Word {
        let state = match state {
            State::Closed => self.closed(),
            State::Open => OPEN,
            State::HalfOpen => HALF_OPEN,
            State::ForcedOpen => FORCED_OPEN,
            State::Disabled => DISABLED,
            State::Recovering => RECOVERING,
        };
        Word(epoch.0 | state | u64::from(self.longest_run()))
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
    use std::sync::atomic::{AtomicBool, AtomicU64};
    use std::thread;

    use super::*;

    const THIRD: Epoch = Epoch::of(3);

    fn manner(longest_run: u32, care: Care) -> Manner {
        Manner { longest_run: NonZeroU32::new(longest_run), care }
    }

    fn plain(longest_run: u32) -> AtomicWord {
        AtomicWord::new(THIRD, Instant::NEVER, manner(longest_run, Care::None))
    }

    /// With a window of time.
    fn timed() -> AtomicWord {
        AtomicWord::new(THIRD, Instant::NEVER, manner(0, Care::None))
    }

    fn good(word: &AtomicWord, epoch: Epoch) -> bool {
        word.count_good(epoch).is_ok()
    }

    #[test]
    fn a_word_gives_back_what_it_was_made_of() {
        let manners = [
            manner(1_000_000, Care::None),
            manner(1_000_000, Care::Throughout),
            manner(0, Care::None),
            manner(0, Care::Throughout),
        ];
        for (state, manner) in
            State::ALL.iter().copied().flat_map(|state| manners.map(|it| (state, it)))
        {
            for epoch in [0, 1, u64::MAX].map(Epoch::of) {
                let word = AtomicWord::new(THIRD, Instant::NEVER, manner);
                word.publish(epoch, state, Instant::NEVER);
                let shown = word.load();
                assert_eq!((shown.epoch(), shown.state(), word.run()), (epoch, state, 0));
                let is_closed = state == State::Closed;
                assert_eq!(shown.is_closed_in(epoch), is_closed);
                let Manner { longest_run, care } = manner;
                let is_by_time = longest_run.is_none();
                assert_eq!(shown.lets_anyone_in(), is_closed && care == Care::None);
                assert_eq!(shown.is_by_time(), is_closed && is_by_time);
                assert_eq!(shown.reads_clock(), is_closed && is_by_time);
                let is_plain = manner == manners[0];
                assert_eq!(shown.counts_any_good(epoch), is_closed && is_plain);
                assert!(!shown.is_closed_in(epoch.next()));
            }
        }
    }

    #[test]
    fn r10_an_epoch_has_at_least_40_bits_and_wraps() {
        assert_ne!(Epoch::of(0), Epoch::of(1 << 39));
        assert_eq!(Epoch::of(u64::MAX).next(), Epoch::of(0));
    }

    #[test]
    fn a_good_call_lengthens_the_run_until_it_is_full() {
        let word = plain(2);
        for (run, fills) in [(1, false), (2, true), (2, false), (2, false)] {
            assert_eq!(word.count_good(THIRD), Ok(fills));
            assert_eq!((word.run(), word.is_full()), (run, run == 2));
        }
        assert!(!good(&word, THIRD.next()));
    }

    #[test]
    fn a_look_counts_every_good_call_but_the_one_that_fills_the_run() {
        let word = plain(3);
        for run in [1, 2] {
            assert!(word.count_good_at_once(THIRD));
            assert_eq!(word.run(), run);
        }
        assert!(!word.count_good_at_once(THIRD));
        assert_eq!((word.run(), word.count_good(THIRD)), (2, Ok(true)));
        assert!(word.count_good_at_once(THIRD) && !word.count_good_at_once(THIRD.next()));
        assert_eq!(word.run(), 3);
    }

    #[test]
    fn a_word_without_a_run_is_never_written_by_good_calls() {
        let word = timed();
        let before = word.load();
        assert_eq!(word.check_good(THIRD, Instant::ZERO), Ok(()));
        assert!(!word.count_good_at_once(THIRD));
        assert_eq!(word.count_good(THIRD), Err(Uncounted::OtherManner));
        assert_eq!((word.load(), word.run()), (before, 0));
    }

    #[test]
    fn where_the_end_of_a_call_takes_care_a_look_is_never_enough() {
        let word = AtomicWord::new(THIRD, Instant::NEVER, manner(1, Care::Throughout));
        assert!(good(&word, THIRD) && good(&word, THIRD));
        assert_eq!((word.run(), word.count_good_at_once(THIRD)), (1, false));
        assert!(!timed().count_good_at_once(THIRD));
    }

    #[test]
    fn only_calls_of_a_circuit_that_is_cared_for_are_counted_as_such() {
        let word = AtomicWord::new(THIRD, Instant::NEVER, manner(2, Care::Throughout));
        assert!(word.count_good_cared_for(THIRD), "it lengthens the run");
        assert_eq!((word.count_good_cared_for(THIRD), word.run()), (false, 1), "it fills the run");
        assert!(good(&word, THIRD) && word.count_good_cared_for(THIRD), "the run is full");
        assert!(!word.count_good_cared_for(THIRD.next()) && !plain(2).count_good_cared_for(THIRD));
        assert!(!timed().count_good_cared_for(THIRD));
        word.publish_closed_for_a_time(THIRD, Instant::NEVER);
        assert!(!word.count_good_cared_for(THIRD), "a timed order may have ended");
    }

    #[test]
    fn r10_a_good_call_of_another_epoch_is_not_counted() {
        let word = plain(2);
        assert!(!good(&word, Epoch::of(2)));
        word.publish(THIRD.next(), State::Open, Instant::NEVER);
        assert!(!good(&word, THIRD.next()));
        assert_eq!(word.run(), 0);
    }

    #[test]
    fn r10_a_call_that_is_too_late_does_not_come_to_an_edge() {
        let word = timed();
        let edge = Instant::from_nanos(5);
        word.publish(THIRD, State::Closed, edge);
        assert_eq!(word.check_good(THIRD, Instant::from_nanos(4)), Ok(()));
        assert_eq!(word.check_good(THIRD, edge), Err(Uncounted::AtAnEdge));
        assert_eq!(word.check_good(THIRD.next(), edge), Err(Uncounted::TooLate));
        word.publish(THIRD, State::Open, edge);
        assert_eq!(word.check_good(THIRD, edge), Err(Uncounted::TooLate));
    }

    #[test]
    fn calls_that_are_held_up_ask_until_it_is_known_how_long_the_word_holds() {
        let word = timed();
        word.hold_up();
        assert_eq!(word.check_good(THIRD, Instant::ZERO), Err(Uncounted::AtAnEdge));
        word.publish(THIRD, State::Closed, Instant::NEVER);
        assert_eq!(word.check_good(THIRD, Instant::ZERO), Ok(()));
    }

    #[test]
    fn ending_a_run_clears_it_and_a_verdict_opens_in_the_same_exchange() {
        let word = plain(9);
        (0..5).for_each(|_| assert!(good(&word, THIRD)));
        assert_eq!(word.end_run(|_| None::<()>), (5, None));
        assert_eq!((word.load().is_closed_in(THIRD), word.run()), (true, 0));
        assert_eq!(word.end_run(Some), (0, Some(0)));
        assert_eq!((word.load().epoch(), word.load().state()), (THIRD.next(), State::Open));
        assert_eq!(word.holds_until(), Instant::ZERO, "how long it is open is not known yet");
    }

    #[test]
    fn d43_open_is_never_read_with_the_time_of_another_epoch() {
        let word = AtomicWord::new(Epoch::of(0), Instant::NEVER, manner(9, Care::None));
        let (is_over, reads) = (AtomicBool::new(false), AtomicU64::new(0));
        // An open circuit holds until the number of its epoch, a closed one for ever.
        let epochs = |number| (Epoch::of(number), Instant::from_nanos(number));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Acquire) {
                        let seen = word.load();
                        if let Some(until) = word.open_until(seen) {
                            assert_eq!(seen.epoch(), Epoch::of(until.as_nanos()));
                            reads.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            let mut number = 0;
            while number < 100_000 || (reads.load(Ordering::Relaxed) < 100_000 && number < 1 << 30)
            {
                let ((open, until), (closed, _)) = (epochs(number + 1), epochs(number + 2));
                if number % 3 == 0 {
                    assert!(word.end_run(Some).1.is_some());
                }
                word.publish(open, State::Open, until);
                word.publish(closed, State::Closed, Instant::NEVER);
                number += 2;
            }
            is_over.store(true, Ordering::Release);
        });
        assert!(reads.into_inner() > 0);
    }

    #[test]
    fn r34_closed_for_a_time_is_closed_and_lets_nobody_in_at_a_look() {
        for longest_run in [9, 0] {
            let manner = manner(longest_run, Care::None);
            let word = AtomicWord::new(THIRD, Instant::NEVER, manner);
            let end = Instant::from_nanos(5);
            word.publish_closed_for_a_time(THIRD.next(), end);
            let shown = word.load();
            assert_eq!(
                (shown.state(), shown.epoch(), word.run()),
                (State::Closed, THIRD.next(), 0)
            );
            assert!(!shown.is_closed() && !shown.lets_anyone_in());
            assert!(shown.is_closed_for_a_time() && shown.is_closed_in(THIRD.next()));
            assert!(!word.count_good_at_once(THIRD.next()));

            let before_the_end = Instant::from_nanos(4);
            assert!(!word.is_over(before_the_end) && word.is_over(end));
            if longest_run == 0 {
                assert_eq!(word.check_good(THIRD.next(), before_the_end), Ok(()));
                assert_eq!(word.check_good(THIRD.next(), end), Err(Uncounted::AtAnEdge));
            } else {
                assert_eq!(word.count_good(THIRD.next()), Ok(false));
                assert_eq!(word.end_run(|_| None::<()>), (1, None));
            }
            assert!(word.load().is_closed_for_a_time(), "no call changes that");
            assert_eq!(word.open_until(word.load()), None);

            word.publish(THIRD.next(), State::Closed, Instant::NEVER);
            assert!(word.load().is_closed());
        }
    }

    #[test]
    fn r24_a_word_goes_on_in_another_manner_with_as_much_of_its_run_as_there_is_room_for() {
        let word = plain(4);
        (0..3).for_each(|_| assert!(good(&word, THIRD)));
        assert_eq!((word.refit(manner(9, Care::None)), word.run()), (3, 3));
        assert_eq!((word.refit(manner(2, Care::Throughout)), word.run()), (3, 2));
        assert!(word.is_full() && !word.load().lets_anyone_in());
        assert_eq!((word.refit(manner(0, Care::None)), word.run()), (2, 0));
        assert!(word.load().is_by_time() && word.load().lets_anyone_in());
        assert_eq!((word.refit(manner(9, Care::None)), word.run()), (0, 0));
        word.publish_closed_for_a_time(THIRD, Instant::NEVER);
        assert_eq!((word.refit(manner(0, Care::Throughout)), word.run()), (0, 0));
        assert!(word.load().is_closed_for_a_time() && word.load().counts_by_time(THIRD).is_ok());
        word.publish(THIRD.next(), State::Open, Instant::NEVER);
        word.refit(manner(5, Care::None));
        assert_eq!(word.load().state(), State::Open);
        word.publish(THIRD, State::Closed, Instant::NEVER);
        assert_eq!((word.run(), word.count_good(THIRD)), (0, Ok(false)));
    }

    #[test]
    fn what_is_published_holds_as_long_as_the_machine_says() {
        let word = plain(9);
        assert!(good(&word, THIRD));
        word.publish(THIRD, State::Closed, Instant::from_nanos(5));
        assert_eq!((word.run(), word.holds_until()), (1, Instant::from_nanos(5)));
        word.publish(THIRD.next(), State::Open, Instant::from_nanos(6));
        assert_eq!((word.run(), word.holds_until()), (0, Instant::from_nanos(6)));
    }
}
