//! The calls in flight of a closed circuit, counted by when they began, to find those that hang (R26).
//!
//! Time is cut into slots of a power of two nanoseconds, between a sixteenth and an eighth of `hung_after`. Each slot
//! has a count of the calls that began in it and are in flight. A sweep takes the counts of the slots whose calls are
//! older than `hung_after`: these calls hang. A call whose slot was swept finds no count to leave. So every call either
//! ends or hangs, in every interleaving.
//!
//! Counts are spread over shards, so that threads seldom meet. A call may end in another shard than it began in. Only
//! the sum over the shards means anything, and it is right even if a count wraps.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::sync::{AtomicU64, Mutex, thread_number};
use super::word::Epoch;
use crate::rules::{Instant, nanos};

const SHARDS: usize = if cfg!(breaker_loom) { 2 } else { 16 };
/// The counts of a shard. At most 18 slots are live at once: those of `hung_after` and two more.
const PLACES: usize = 32;
/// `hung_after` is at least this many slots long.
const SLOTS: u64 = 8;

/// A count is `number of the watch | slot | calls`. Without the calls, it is a tag that no other slot has.
const NUMBER_SHIFT: u32 = 48;
const SLOT_SHIFT: u32 = 20;
const SLOT: u64 = (1 << (NUMBER_SHIFT - SLOT_SHIFT)) - 1;
const CALLS: u64 = (1 << SLOT_SHIFT) - 1;

/// What is watched: `epoch | is on | shift of slots | number of the watch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Current(u64);

const ON: u64 = 1 << 22;
const SHIFT_SHIFT: u32 = 16;

impl Current {
    fn new(epoch: Epoch, shift: u32, number: u16) -> Self {
        Self(epoch.bits() | ON | u64::from(shift) << SHIFT_SHIFT | u64::from(number))
    }

    fn off(self) -> Self {
        Self(self.0 & !ON)
    }

    fn epoch(self) -> Epoch {
        Epoch::from_bits(self.0).without_marks()
    }

    fn watches(self, epoch: Epoch) -> bool {
        self.0 & ON != 0 && self.epoch() == epoch
    }

    #[expect(clippy::cast_possible_truncation, reason = "the number is in the last 16 bits")]
    fn number(self) -> u16 {
        self.0 as u16
    }

    fn shift(self) -> u64 {
        self.0 >> SHIFT_SHIFT & 63
    }

    fn slot(self, at: Instant) -> u64 {
        at.as_nanos() >> self.shift()
    }

    fn begin_of(self, slot: u64) -> Instant {
        Instant::from_nanos(slot.saturating_mul(1 << self.shift()))
    }

    fn tag(self, slot: u64) -> u64 {
        u64::from(self.number()) << NUMBER_SHIFT | (slot & SLOT) << SLOT_SHIFT
    }
}

/// The counts of some threads, away from those of others.
#[derive(Debug)]
#[repr(align(128))]
struct Shard([AtomicU64; PLACES]);

/// A watch begins when the circuit closes, and when `hung_after` changes. Counts of earlier ones mean nothing.
#[derive(Debug)]
pub(super) struct Watch {
    current: AtomicU64,
    /// When the calls of the oldest slot hang.
    due: AtomicU64,
    /// The oldest slot that was not swept.
    oldest: AtomicU64,
    /// In nanoseconds; 0 while nothing is watched.
    hung_after: AtomicU64,
    shards: [Shard; SHARDS],
    /// The earlier watches of this epoch. There is one more for each change of `hung_after`.
    over: Mutex<Vec<Over>>,
}

/// A watch that is over.
#[derive(Debug)]
struct Over {
    number: u16,
    /// Of the calls that it watched, those that began before this hang.
    swept_until: Instant,
}

/// How a beginning call is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// It is counted, by the watch of this number.
    Watched(u16),
    /// No calls of its epoch are counted.
    Unwatched,
    /// Its slot was swept since it read the clock.
    TooLate,
}

impl Watch {
    /// One that is off.
    pub(super) fn new() -> Self {
        let shard = |_| Shard(std::array::from_fn(|_| AtomicU64::new(0)));
        Self {
            current: AtomicU64::new(0),
            due: AtomicU64::new(Instant::NEVER.as_nanos()),
            oldest: AtomicU64::new(0),
            hung_after: AtomicU64::new(0),
            shards: std::array::from_fn(shard),
            over: Mutex::default(),
        }
    }

    #[inline]
    fn current(&self) -> Current {
        Current(self.current.load(Ordering::Acquire))
    }

    /// Whether calls may hang that no sweep has counted.
    #[inline]
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now.has_reached(Instant::from_nanos(self.due.load(Ordering::Acquire)))
    }

    /// When the oldest slot began that was not swept.
    pub(super) fn oldest(&self) -> Instant {
        self.current().begin_of(self.oldest.load(Ordering::Acquire))
    }

    /// Counts a call of that epoch that begins now. Sweep first if it is due.
    #[inline]
    pub(super) fn begin(&self, epoch: Epoch, now: Instant) -> Begun {
        let current = self.current();
        if !current.watches(epoch) {
            return Begun::Unwatched;
        }
        match self.add(current, now, 1) {
            Ok(()) => Begun::Watched(current.number()),
            Err(_) => Begun::TooLate,
        }
    }

    /// Takes the call out of its count, or says that it hung. `number` is that of the watch it began with.
    #[inline]
    pub(super) fn end(&self, number: u16, began: Instant) -> bool {
        let current = self.current();
        if current.number() == number {
            match self.add(current, began, -1) {
                Ok(()) => return false,
                Err(found) if found >> NUMBER_SHIFT == number.into() => return true,
                Err(_) => {}
            }
        }
        self.hung_earlier(number, began)
    }

    /// Adds to the count of a slot. An error with what is there instead, if the slot was swept.
    #[inline]
    fn add(&self, current: Current, began: Instant, calls: i64) -> Result<(), u64> {
        let slot = current.slot(began);
        let count = &self.shards[thread_number() % SHARDS].0[place(slot)];
        let tag = current.tag(slot);
        let mut seen = count.load(Ordering::Relaxed);
        while seen & !CALLS == tag {
            let next = tag | seen.wrapping_add_signed(calls) & CALLS;
            match count.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(()),
                Err(now) => seen = now,
            }
        }
        Err(seen)
    }

    /// Whether a call hung that an earlier watch counted. One of an earlier epoch is late anyway.
    #[cold]
    fn hung_earlier(&self, number: u16, began: Instant) -> bool {
        let over = self.over.lock();
        over.iter().any(|over| over.number == number && began < over.swept_until)
    }

    /// Takes the calls that hang out of their counts, and returns how many these are. Needs the machine's lock.
    pub(super) fn sweep(&self, now: Instant) -> u32 {
        if !self.is_due(now) {
            return 0;
        }
        let current = self.current();
        let hung_after = self.hung_after.load(Ordering::Relaxed);
        let swept = self.oldest.load(Ordering::Relaxed);
        let oldest = now.as_nanos().saturating_sub(hung_after) >> current.shift();
        let slots = swept..oldest.min(swept.saturating_add(PLACES as u64));
        let hung = slots.map(|slot| self.replace(slot, current, oldest)).fold(0, u64::wrapping_add);
        self.live_from(current, oldest, hung_after);
        u32::try_from(hung & CALLS).unwrap_or(u32::MAX)
    }

    /// Gives the place of that slot to the next slot that comes to it, and returns the calls that were there.
    fn replace(&self, slot: u64, current: Current, oldest: u64) -> u64 {
        let next = oldest + slot.wrapping_sub(oldest) % PLACES as u64;
        let place = self.shards.iter().map(|shard| &shard.0[place(slot)]);
        place
            .map(|count| count.swap(current.tag(next), Ordering::AcqRel) & CALLS)
            .fold(0, u64::wrapping_add)
    }

    fn live_from(&self, current: Current, oldest: u64, hung_after: u64) {
        self.oldest.store(oldest, Ordering::Release);
        let due = current.begin_of(oldest.saturating_add(1)).as_nanos().saturating_add(hung_after);
        self.due.store(due, Ordering::Release);
    }

    /// Watches the calls of that epoch, or none. Does nothing if it does so already. Needs the machine's lock, and
    /// comes before the word shows the epoch.
    #[inline(never)]
    pub(super) fn follow(&self, epoch: Epoch, hung_after: Option<Duration>, now: Instant) {
        let current = self.current();
        let hung_after = hung_after.map_or(0, nanos);
        let is_same = hung_after == self.hung_after.load(Ordering::Relaxed);
        if is_same && (hung_after == 0 || current.epoch() == epoch) {
            return;
        }
        // Calls that begin meanwhile are not watched. None of them is of an epoch that the word shows later.
        self.current.store(current.off().0, Ordering::Release);
        self.due.store(Instant::NEVER.as_nanos(), Ordering::Release);
        self.hung_after.store(hung_after, Ordering::Relaxed);
        if hung_after != 0 {
            self.remember(current, epoch);
            let shift = (hung_after / SLOTS).max(1).ilog2();
            let next = Current::new(epoch, shift, current.number().wrapping_add(1));
            let oldest = next.slot(now);
            for slot in oldest..oldest.saturating_add(PLACES as u64) {
                self.replace(slot, next, oldest);
            }
            self.live_from(next, oldest, hung_after);
            self.current.store(next.0, Ordering::Release);
        }
    }

    /// Remembers which calls of this watch hang, for as long as its epoch lasts.
    fn remember(&self, current: Current, epoch: Epoch) {
        let mut over = self.over.lock();
        if current.epoch() == epoch {
            let swept_until = current.begin_of(self.oldest.load(Ordering::Relaxed));
            over.push(Over { number: current.number(), swept_until });
        } else {
            over.clear();
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is less than 32")]
fn place(slot: u64) -> usize {
    (slot % PLACES as u64) as usize
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    const MILLI: Duration = Duration::from_millis(1);
    const FIRST: Epoch = Epoch::of(1);

    fn at(millis: u32) -> Instant {
        Instant::ZERO.after(MILLI * millis)
    }

    /// A watch since 50 ms, for calls that take longer than 80 ms.
    fn watch() -> Watch {
        let watch = Watch::new();
        watch.follow(FIRST, Some(MILLI * 80), at(50));
        watch
    }

    /// Runs that on another thread, so mostly in another shard.
    fn elsewhere<R: Send>(act: impl FnOnce() -> R + Send) -> R {
        thread::scope(|scope| scope.spawn(act).join().unwrap())
    }

    #[track_caller]
    fn begin(watch: &Watch, now: Instant) -> u16 {
        match watch.begin(FIRST, now) {
            Begun::Watched(number) => number,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn r26_calls_hang_between_1_and_1_125_of_hung_after() {
        let watch = watch();
        (0..12).for_each(|_| _ = begin(&watch, at(100)));
        assert!(!watch.is_due(at(130)));
        assert_eq!(watch.sweep(at(180)), 0, "none of them is older than 80 ms");
        assert!(watch.is_due(at(190)));
        assert_eq!((watch.sweep(at(190)), watch.sweep(at(190))), (12, 0));
    }

    #[test]
    fn r26_a_call_that_ended_does_not_hang_and_one_that_hung_does_not_end() {
        let watch = watch();
        let calls = [(); 3].map(|()| begin(&watch, at(100)));
        assert!(!elsewhere(|| watch.end(calls[0], at(100))));
        assert_eq!(watch.sweep(at(190)), 2);
        assert!(watch.end(calls[1], at(100)));
        assert!(elsewhere(|| watch.end(calls[2], at(100))));
        assert_eq!(watch.sweep(at(500)), 0);
    }

    #[test]
    fn calls_that_end_on_other_threads_may_take_a_count_below_zero_and_past_its_end() {
        let watch = watch();
        let number = begin(&watch, at(100));
        let many = CALLS + 5;
        let beginning = || (0..many).for_each(|_| _ = begin(&watch, at(100)));
        elsewhere(beginning);
        elsewhere(|| (0..many).for_each(|_| assert!(!watch.end(number, at(100)))));
        assert_eq!(watch.sweep(at(190)), 1);
    }

    #[test]
    fn a_call_that_read_the_clock_before_a_sweep_is_too_late() {
        let watch = watch();
        assert_eq!(watch.sweep(at(400)), 0);
        assert_eq!(watch.begin(FIRST, at(100)), Begun::TooLate);
        assert!(watch.oldest() > at(100) && watch.oldest() <= at(320));
        begin(&watch, watch.oldest());
    }

    #[test]
    fn idle_time_of_any_length_costs_one_sweep() {
        let watch = watch();
        begin(&watch, at(100));
        assert_eq!(watch.sweep(Instant::from_nanos(u64::MAX / 2)), 1);
        let late = Instant::from_nanos(u64::MAX / 2);
        let number = begin(&watch, late);
        assert_eq!(watch.sweep(late.after(MILLI * 100)), 1);
        assert!(watch.end(number, late), "its slot has a number of more than 28 bits");
        begin(&watch, late.after(MILLI * 100));
        assert_eq!(watch.sweep(Instant::NEVER), 1);
    }

    #[test]
    fn r17_calls_never_hang_after_the_longest_time_there_is() {
        let watch = Watch::new();
        watch.follow(FIRST, Some(Duration::MAX), at(50));
        let number = begin(&watch, at(100));
        assert!(!watch.is_due(Instant::NEVER));
        assert!(!watch.end(number, at(100)));
    }

    #[test]
    fn r10_calls_of_other_epochs_are_not_counted() {
        let (watch, second) = (watch(), Epoch::of(2));
        let number = begin(&watch, at(100));
        watch.follow(second, Some(MILLI * 80), at(100));
        assert_eq!(watch.begin(FIRST, at(100)), Begun::Unwatched);
        assert!(matches!(watch.begin(second, at(100)), Begun::Watched(_)));
        assert!(!watch.end(number, at(100)), "it takes away no call of the other epoch");
        assert_eq!(watch.sweep(at(190)), 1);
    }

    #[test]
    fn a_watch_that_is_off_counts_nothing_and_ends_what_it_counted() {
        let watch = watch();
        let calls = [at(60), at(100)].map(|began| (begin(&watch, began), began));
        assert_eq!(watch.sweep(at(150)), 1);
        watch.follow(FIRST, None, at(150));
        assert_eq!(watch.begin(FIRST, at(150)), Begun::Unwatched);
        assert_eq!((watch.is_due(Instant::NEVER), watch.sweep(at(900))), (false, 0));
        assert_eq!(calls.map(|(number, began)| watch.end(number, began)), [true, false]);
    }

    #[test]
    fn r24_after_another_hung_after_it_is_known_which_calls_hung_before() {
        let watch = watch();
        let calls = [at(60), at(100)].map(|began| (begin(&watch, began), began));
        assert_eq!(watch.sweep(at(150)), 1);
        let edge = watch.oldest();
        let at_the_edge = begin(&watch, edge);
        for limit in [40, 0, 200, 80] {
            watch.follow(FIRST, (limit > 0).then_some(MILLI * limit), at(150));
        }
        assert_eq!(watch.sweep(at(900)), 0, "calls of before are not watched any more");
        assert_eq!(calls.map(|(number, began)| watch.end(number, began)), [true, false]);
        assert!(!watch.end(at_the_edge, edge), "its slot was not swept");
        watch.follow(Epoch::of(2), Some(MILLI * 80), at(900));
        assert!(watch.over.lock().is_empty());
    }

    /// What happens to a watch, and how many tenths of milliseconds later.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Begin,
        End(prop::sample::Index),
        Change(u32),
        Reset,
    }

    fn steps() -> impl Strategy<Value = Vec<(u32, Step)>> {
        let step = prop_oneof![
            12 => Just(Step::Begin),
            12 => any::<prop::sample::Index>().prop_map(Step::End),
            1 => prop_oneof![Just(0), 10..200_u32].prop_map(Step::Change),
            1 => Just(Step::Reset),
        ];
        let later = prop_oneof![8 => 0..200_u32, 1 => 0..9_000_u32];
        prop::collection::vec((later, step), 1..120)
    }

    #[derive(Clone, Copy, Debug)]
    struct Call {
        number: u16,
        began: Instant,
        epoch: Epoch,
        hung: bool,
        is_watched: bool,
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn r26_each_call_hangs_or_ends_as_in_a_list_of_those_in_flight(steps in steps()) {
            let watch = Watch::new();
            let (mut now, mut limit, mut epoch) = (at(50), MILLI * 20, FIRST);
            watch.follow(epoch, Some(limit), now);
            let mut calls: Vec<Call> = vec![];
            for (later, step) in steps {
                now = now.after(MILLI * later / 10);
                let hung = elsewhere(|| watch.sweep(now));
                // They hang in the order in which they began.
                let may_hang = calls.iter_mut().filter(|call| call.is_watched && !call.hung);
                let mut may_hang: Vec<_> = may_hang.collect();
                may_hang.sort_by_key(|call| call.began);
                for (place, call) in (0..).zip(may_hang) {
                    call.hung = place < hung;
                    let age = now.since(call.began);
                    prop_assert!(age > limit || !call.hung, "{call:?} hangs too early");
                    prop_assert!(age <= limit * 9 / 8 || call.hung, "{call:?} hangs too late");
                }
                match step {
                    Step::Begin => {
                        let begun = elsewhere(|| watch.begin(epoch, now));
                        let watched = if let Begun::Watched(number) = begun { Some(number) } else { None };
                        prop_assert_eq!(watched.is_some(), !limit.is_zero());
                        if let Some(number) = watched {
                            calls.push(Call { number, began: now, epoch, hung: false, is_watched: true });
                        }
                    }
                    Step::End(_) if calls.is_empty() => {}
                    Step::End(which) => {
                        let call = calls.swap_remove(which.index(calls.len()));
                        let hung = elsewhere(|| watch.end(call.number, call.began));
                        prop_assert!(hung == call.hung || call.epoch != epoch, "{call:?}");
                    }
                    Step::Change(millis) => {
                        let is_other = limit != MILLI * millis;
                        limit = MILLI * millis;
                        watch.follow(epoch, (millis > 0).then_some(limit), now);
                        for call in &mut calls {
                            call.is_watched &= !is_other;
                        }
                    }
                    Step::Reset => {
                        epoch = Epoch::of(epoch.number() + 1);
                        watch.follow(epoch, (!limit.is_zero()).then_some(limit), now);
                        for call in &mut calls {
                            call.is_watched = false;
                        }
                    }
                }
            }
        }
    }
}
