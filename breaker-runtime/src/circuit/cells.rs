//! Per-thread counters, summed when they are read.
//!
//! *Why it exists:* an atomic addition costs more than the rest of a healthy call, and threads that share an atomic
//! slow each other down. A cell that only one thread writes needs a plain load and a plain store.
//!
//! Circuits are in groups of 32. A thread that counts for a circuit has a [`Chunk`](chunk::Chunk) for the circuit's group, with one
//! row per circuit. The group lists the chunks of its live threads, and a sum reads only those. When a thread ends,
//! its counts move to [`Past`](group::Past), and its chunks go to the next threads. So chunks are never freed, and a thread reaches
//! one without a check whether it is still there.

mod chunk;
mod group;
mod lease;

use std::sync::Arc;

use self::chunk::{CELLS, Chunk, Row};
use self::group::{Group, Past};
use self::lease::{FAR, LEASE, NEAR_CHUNKS};
use super::sync::per_process;
use super::word::Epoch;

/// What is counted where every nanosecond counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hot {
    /// Calls let in.
    Started,
    /// Good calls that are not counted by epoch.
    Good,
    /// Calls that an open circuit refused past the lock.
    Refused,
    /// Those of the good calls that are counted by epoch, for a window of time.
    TimedGood,
}

/// Every row that no circuit has.
struct Pool {
    groups: usize,
    free: Vec<(Arc<Group>, Row)>,
}

per_process! {
    static POOL: Pool = Pool { groups: 0, free: Vec::new() };
}

impl Pool {
    fn take(&mut self) -> (Arc<Group>, Row) {
        self.free.pop().unwrap_or_else(|| {
            let group = Arc::new(Group::new(self.groups));
            self.groups += 1;
            let [first, others @ ..] = Row::ALL;
            self.free.extend(others.into_iter().rev().map(|row| (Arc::clone(&group), row)));
            (group, first)
        })
    }
}

/// The cells of one circuit, in all threads.
#[derive(Debug)]
pub(crate) struct Cells {
    group: Arc<Group>,
    near: u8,
    row: Row,
}

/// The good calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Good {
    pub(crate) all: u64,
    /// Those that were counted when their epoch was over already.
    pub(crate) late: u64,
}

impl Cells {
    pub(crate) fn new() -> Self {
        let (group, row) = POOL.lock().take();
        Self::at(group, row)
    }

    fn at(group: Arc<Group>, row: Row) -> Self {
        let near = u8::try_from(group.number).unwrap_or(FAR);
        Self { group, near, row }
    }

    /// Adds one in the thread's own cell, if it has one already.
    #[inline]
    pub(crate) fn add_at_once(&self, counter: Hot) -> bool {
        self.at_once(|chunk| chunk.add(self.row, counter)).is_some()
    }

    /// Adds one in the thread's own cell.
    #[inline]
    pub(crate) fn add(&self, counter: Hot) {
        if !self.add_at_once(counter) {
            self.add_first(counter);
        }
    }

    #[cold]
    #[inline(never)]
    fn add_first(&self, counter: Hot) {
        let add = |chunk: &Chunk| chunk.add(self.row, counter);
        let added = LEASE.try_with(|lease| lease.with_chunk(self, add));
        // The thread is ending, and its chunks are gone.
        if added.is_err() {
            self.group.threads.write().past_mut(self.row).add(counter, Epoch::default());
        }
    }

    /// Adds one timed good call of that epoch.
    #[inline]
    pub(crate) fn add_good_of(&self, epoch: Epoch) {
        let counted = self.at_once(|chunk| {
            let goes_on = chunk.epoch(self.row) == epoch;
            if goes_on {
                chunk.add(self.row, Hot::TimedGood);
            }
            goes_on
        });
        if counted != Some(true) {
            self.add_first_good_of(epoch);
        }
    }

    #[cold]
    #[inline(never)]
    fn add_first_good_of(&self, epoch: Epoch) {
        let add = |chunk: &Chunk| {
            if chunk.epoch(self.row) != epoch {
                let mut threads = self.group.threads.write();
                let (before, calls) = (chunk.epoch(self.row), chunk.of(self.row, Hot::TimedGood));
                threads.past_mut(self.row).add_timed(before, calls);
                chunk.begin_epoch(self.row, epoch);
            }
            chunk.add(self.row, Hot::TimedGood);
        };
        let counted = LEASE.try_with(|lease| lease.with_chunk(self, add));
        if counted.is_err() {
            self.group.threads.write().past_mut(self.row).add(Hot::TimedGood, epoch);
        }
    }

    #[inline]
    fn at_once<R>(&self, act: impl FnOnce(&Chunk) -> R) -> Option<R> {
        NEAR_CHUNKS.with(|chunks| {
            let chunk = chunks[usize::from(self.near)].get()?;
            Some(act(&chunk))
        })
    }

    /// Calls let in.
    pub(crate) fn started(&self) -> u64 {
        self.sum(Hot::Started, |past| past.started)
    }

    /// Calls refused past the lock.
    pub(crate) fn refused(&self) -> u64 {
        self.sum(Hot::Refused, |past| past.refused)
    }

    fn sum(&self, counter: Hot, past: impl Fn(Past) -> u64) -> u64 {
        let threads = self.group.threads.read();
        let counts = threads.chunks.iter().map(|chunk| chunk.of(self.row, counter));
        counts.fold(past(threads.past(self.row)), u64::saturating_add)
    }

    /// The good calls of all epochs.
    pub(crate) fn good(&self) -> Good {
        let threads = self.group.threads.read();
        let past = threads.past(self.row);
        let (mut all, mut earlier) = (past.good.saturating_add(past.now), past.earlier);
        for chunk in &threads.chunks {
            let timed = chunk.of(self.row, Hot::TimedGood);
            let sum = if chunk.epoch(self.row) == past.epoch { &mut all } else { &mut earlier };
            *sum = sum.saturating_add(timed);
            all = all.saturating_add(chunk.of(self.row, Hot::Good));
        }
        Good { all: all.saturating_add(earlier), late: earlier.saturating_sub(past.heard) }
    }

    /// The timed good calls of the epoch that the circuit is in. Those of one thread are in it in their order.
    pub(crate) fn good_now(&self) -> u64 {
        self.group.threads.read().good_now(self.row)
    }

    /// As [`good_now`](Cells::good_now), as of one moment: a good call is in it if one is that began after
    /// it had ended. `hold_up` is called if calls keep coming, and must have them wait.
    pub(crate) fn good_at_one_moment(&self, hold_up: impl Fn()) -> u64 {
        const PATIENCE: u32 = 4;
        let threads = self.group.threads.read();
        let (mut sum, mut tried) = (threads.good_now(self.row), 0);
        loop {
            // No cell goes back within an epoch, so two equal sums are of equal cells.
            let again = threads.good_now(self.row);
            if again == sum {
                return sum;
            }
            (sum, tried) = (again, tried + 1);
            if tried == PATIENCE {
                hold_up();
            }
        }
    }

    /// Begins another epoch of the circuit. `heard` is the number of good calls that decided the epoch before.
    pub(crate) fn begin_epoch(&self, epoch: Epoch, heard: u64) {
        let mut threads = self.group.threads.write();
        let past = threads.past_mut(self.row);
        past.heard = past.heard.wrapping_add(heard);
        past.earlier = past.earlier.wrapping_add(past.now);
        (past.epoch, past.now) = (epoch, 0);
    }
}

impl Drop for Cells {
    /// No thread counts for a circuit that is gone. So this may write to the cells of every thread.
    fn drop(&mut self) {
        let mut threads = self.group.threads.write();
        threads.chunks.iter().for_each(|chunk| chunk.clear(self.row));
        threads.past[self.row as usize / CELLS] = None;
        drop(threads);
        POOL.lock().free.push((Arc::clone(&self.group), self.row));
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::cell::RefCell;
    use std::sync::atomic::Ordering;
    use std::sync::{Arc, Barrier};
    use std::thread;

    use super::chunk::ROWS;
    use super::*;

    /// All circuits of a group, which no other test counts for.
    fn group() -> Vec<Cells> {
        let mut all = Vec::new();
        loop {
            let (group, row) = POOL.lock().take();
            all.push(Cells::at(Arc::clone(&group), row));
            let is_of_it = |cells: &Cells| Arc::ptr_eq(&cells.group, &group);
            let is_new = group.threads.read().chunks.is_empty();
            if is_new && all.iter().filter(|cells| is_of_it(cells)).count() == ROWS {
                all.retain(is_of_it);
                return all;
            }
        }
    }

    fn walked(cells: &Cells) -> usize {
        cells.group.threads.read().chunks.len()
    }

    /// Runs that many threads, which are all alive when `meanwhile` runs, and have ended afterwards.
    fn with_threads(number: usize, act: impl Fn() + Sync, meanwhile: impl FnOnce()) {
        let (acted, over) = (Barrier::new(number + 1), Barrier::new(number + 1));
        thread::scope(|scope| {
            let threads: Vec<_> = (0..number)
                .map(|_| {
                    scope.spawn(|| {
                        act();
                        acted.wait();
                        over.wait();
                    })
                })
                .collect();
            acted.wait();
            meanwhile();
            over.wait();
            // A scope ends before the destructors of its threads have run, but for those it joins.
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    #[test]
    fn indices_are_what_they_stand_for() {
        assert!(Row::ALL.iter().enumerate().all(|(at, row)| *row as usize == at * CELLS));
        let near = |number| {
            let cells = Cells::at(Arc::new(Group::new(number)), Row::R0);
            std::mem::ManuallyDrop::new(cells).near
        };
        assert_eq!([0, 254, 255, 256, 9_999].map(near), [0, 254, FAR, FAR, FAR]);
    }

    #[test]
    fn r19_what_threads_have_counted_stays_when_they_end() {
        let cells = Cells::new();
        let count = || (0..1000).for_each(|_| cells.add(Hot::Good));
        with_threads(8, count, || assert_eq!(cells.good().all, 8000));
        assert_eq!((cells.good().all, cells.good().late), (8000, 0));
        assert_eq!((cells.started(), cells.refused()), (0, 0));
    }

    #[test]
    fn a_sum_walks_as_many_rows_as_threads_that_count_are_alive() {
        let group = group();
        let [first, second, ..] = &group[..] else { panic!("a group has 32 circuits") };
        first.add(Hot::Started);
        for threads in [1, 50, 3] {
            let count = || (0..2).for_each(|_| second.add(Hot::Started));
            with_threads(threads, count, || assert_eq!(walked(first), 1 + threads));
            assert_eq!(walked(first), 1, "threads that are gone cost nothing");
        }
        assert_eq!((first.started(), second.started()), (1, 2 * 54));
    }

    #[test]
    fn threads_that_count_for_other_circuits_are_not_walked() {
        let (first, other) = (group(), group());
        other[0].add(Hot::Started);
        assert_eq!((walked(&first[0]), walked(&other[0])), (0, 1));
    }

    #[test]
    fn a_thread_that_is_gone_leaves_its_chunk_to_the_next_one_empty() {
        let group = group();
        let [cells, other, ..] = &group[..] else { panic!("a group has 32 circuits") };
        let free = || cells.group.threads.read().free.len();
        // Another test may have used the group.
        let made = free().max(1);
        for ended in 1..100 {
            with_threads(1, || cells.add(Hot::Good), || assert_eq!(walked(cells), 1));
            assert_eq!((cells.good().all, other.good().all), (ended, 0));
            assert_eq!(free(), made);
        }
        with_threads(500, || cells.add(Hot::Good), || assert_eq!(walked(cells), 500));
        assert!(cells.group.threads.read().chunks.capacity() < 16);
        assert_eq!(cells.good().all, 599);
    }

    #[test]
    fn r20_a_thread_that_is_ending_still_counts() {
        struct CountsLast(Arc<Cells>, Epoch);
        impl Drop for CountsLast {
            fn drop(&mut self) {
                self.0.add(Hot::Started);
                self.0.add(Hot::Refused);
                self.0.add_good_of(self.1);
            }
        }
        thread_local!(static LAST: RefCell<Vec<CountsLast>> = const { RefCell::new(Vec::new()) });
        let mut group = group();
        let cells = Arc::new(group.remove(0));
        let epoch = Epoch::of(1);
        cells.begin_epoch(epoch, 0);
        // Destructors run in the order in which they were registered, or in the reverse: one way or the
        // other, one of the two threads counts after its chunks are gone.
        for last_first in [true, false] {
            let counted = Arc::clone(&cells);
            let thread = thread::spawn(move || {
                if last_first {
                    LAST.with_borrow_mut(|last| last.push(CountsLast(Arc::clone(&counted), epoch)));
                }
                counted.add(Hot::Started);
                LAST.with_borrow_mut(|last| last.push(CountsLast(counted, Epoch::of(0))));
            });
            thread.join().unwrap();
        }
        assert_eq!((cells.started(), cells.refused()), (5, 3));
        let good = cells.good();
        assert_eq!((good.all, good.late, cells.good_now()), (3, 2, 1));
        assert_eq!(walked(&cells), 0, "nobody who is gone is listed");
    }

    #[test]
    fn from_its_second_count_on_a_thread_counts_at_once() {
        let group = group();
        let cells = &group[0];
        let is_near = cells.near != FAR;
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(!cells.add_at_once(Hot::Good));
                cells.add(Hot::Good);
                assert_eq!(cells.add_at_once(Hot::Good), is_near);
            });
        });
        assert_eq!(cells.good().all, 1 + u64::from(is_near));
    }

    #[test]
    fn circuits_beyond_the_near_ones_are_counted_too() {
        // Past those that other tests may come to, and not from the pool, so that they stay near.
        let numbers = (usize::from(FAR) + 40..).take(3);
        let groups = numbers.map(|number| Arc::new(Group::new(number)));
        let of_group = |group: Arc<Group>| Row::ALL.map(|row| Cells::at(Arc::clone(&group), row));
        let all = std::mem::ManuallyDrop::new(groups.flat_map(of_group).collect::<Vec<_>>());
        assert!(all.iter().all(|cells| cells.near == FAR));
        let count = || {
            for cells in all.iter().chain(all.iter()) {
                cells.add(Hot::Started);
                cells.add_good_of(Epoch::default());
            }
        };
        with_threads(2, count, || assert!(all.iter().all(|cells| cells.started() == 4)));
        let sums = |cells: &Cells| (cells.started(), cells.good().all, cells.good_now());
        assert!(all.iter().all(|cells| sums(cells) == (4, 4, 4)));
    }

    #[test]
    fn r10_a_good_call_of_another_epoch_is_not_among_those_of_this_one() {
        let [first, second] = [1, 2].map(Epoch::of);
        let cells = Cells::new();
        cells.begin_epoch(first, 0);
        with_threads(2, || cells.add_good_of(first), || assert_eq!(cells.good_now(), 2));
        cells.add_good_of(first);
        assert_eq!((cells.good_now(), cells.good().late), (3, 0));
        cells.begin_epoch(second, cells.good_now());
        assert_eq!((cells.good_now(), cells.good().late), (0, 0));
        // The word let them pass before it changed.
        cells.add_good_of(first);
        with_threads(2, || cells.add_good_of(first), || assert_eq!(cells.good().late, 3));
        cells.add_good_of(second);
        let good = cells.good();
        assert_eq!((cells.good_now(), good.all, good.late), (1, 7, 3));
    }

    #[test]
    fn good_calls_that_keep_coming_are_held_up_to_be_summed() {
        let cells = Cells::new();
        let (is_held_up, is_over) = (&std::sync::atomic::AtomicBool::new(false), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                cells.add_good_of(Epoch::default());
                is_over.wait();
                while !is_held_up.load(Ordering::Acquire) {
                    cells.add_good_of(Epoch::default());
                }
            });
            is_over.wait();
            let sum = cells.good_at_one_moment(|| is_held_up.store(true, Ordering::Release));
            is_held_up.store(true, Ordering::Release);
            assert!(sum > 0);
        });
    }

    #[test]
    fn circuits_that_come_and_go_share_few_rows() {
        const CIRCUITS: usize = 100_000;
        (0..CIRCUITS).for_each(|_| drop(Cells::new()));
        assert!(POOL.lock().groups < CIRCUITS / ROWS, "one row is handed on");
    }

    #[test]
    fn a_row_is_empty_for_its_next_circuit() {
        let mut group = group();
        let first = group.remove(0);
        let row = first.row;
        first.add(Hot::Started);
        first.begin_epoch(Epoch::of(1), 0);
        first.add_good_of(Epoch::of(1));
        with_threads(1, || first.add(Hot::Refused), || {});
        let place = Arc::clone(&first.group);
        drop(first);
        let next = Cells::at(place, row);
        POOL.lock().free.retain(|(free, at)| !Arc::ptr_eq(free, &next.group) || *at != row);
        assert_eq!((next.started(), next.refused(), next.good_now()), (0, 0, 0));
        assert_eq!((next.good().all, next.good().late), (0, 0));
        next.add_good_of(Epoch::default());
        assert_eq!(next.good_now(), 1);
    }
}
