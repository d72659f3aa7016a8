//! Counters that every thread keeps for itself, and that are summed when somebody looks.
//!
//! *Why it exists:* an atomic addition costs more than everything else that a healthy call does, and
//! threads that share one slow each other down. A cell that only its own thread writes needs a plain load
//! and a plain store. Memory is bounded by the threads that live at once and the circuits that live at
//! once; what a thread has counted stays when it ends.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sync::Global;

/// What is counted where every nanosecond counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hot {
    /// Calls let in.
    Started,
    /// Good calls that went past the lock.
    Good,
    /// Calls that an open circuit refused past the lock.
    Refused,
}

const COUNTERS: usize = Hot::Refused as usize + 1;
/// The fewest rows of a block, so that few threads ever need a second one.
const ROWS: usize = 64;

type Row = [AtomicU64; COUNTERS];

/// The cells of one thread: a row for every circuit. A thread that needs more rows takes a longer block and
/// leaves its counts where they are, so a block is never copied.
type Block = &'static [Row];

/// Every block there ever was, those that no thread has, and the rows that no circuit has.
struct Pool {
    blocks: Vec<Block>,
    free_blocks: Vec<Block>,
    rows: usize,
    free_rows: Vec<usize>,
}

static POOL: Global<Pool> = Global::new(Pool {
    blocks: Vec::new(),
    free_blocks: Vec::new(),
    rows: 0,
    free_rows: Vec::new(),
});

impl Pool {
    /// Blocks are handed on with what they hold, never freed: there are about as many as there were
    /// threads at once.
    fn block_with(&mut self, row: usize) -> Block {
        let long_enough = self.free_blocks.iter().enumerate().filter(|(_, free)| free.len() > row);
        if let Some((shortest, _)) = long_enough.min_by_key(|(_, free)| free.len()) {
            return self.free_blocks.swap_remove(shortest);
        }
        let length = (row + 1).next_power_of_two().max(ROWS);
        let block: Block = Vec::leak((0..length).map(|_| Row::default()).collect());
        self.blocks.push(block);
        block
    }
}

/// Gives the thread's block back when the thread ends.
struct Lease;

impl Lease {
    /// Takes a block that has the row, in place of the one that has not.
    fn extend_to(row: usize) {
        let mut pool = POOL.lock();
        let block = pool.block_with(row);
        let too_short = MINE.replace(block);
        if !too_short.is_empty() {
            pool.free_blocks.push(too_short);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let block = MINE.take();
        if !block.is_empty() {
            POOL.lock().free_blocks.push(block);
        }
    }
}

thread_local! {
    /// Without a destructor, so that it can be read to the very end of the thread.
    static MINE: Cell<Block> = const { Cell::new(&[]) };
    static LEASE: Lease = const { Lease };
}

/// The cells of one circuit, in the blocks of all threads.
#[derive(Debug)]
pub(crate) struct Cells {
    row: usize,
    /// For threads that are ending and have no block any more.
    ending: Row,
}

impl Cells {
    pub(crate) fn new() -> Self {
        let mut pool = POOL.lock();
        let row = pool.free_rows.pop().unwrap_or_else(|| {
            pool.rows += 1;
            pool.rows - 1
        });
        Self { row, ending: Row::default() }
    }

    /// Adds one in the thread's own cell, if it has one already.
    #[inline]
    pub(crate) fn add_at_once(&self, counter: Hot) -> bool {
        let row = MINE.get().get(self.row);
        row.inspect(|row| add_to(row, counter)).is_some()
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
        // Fails when the thread has given its block back. Then it finds no row here.
        let _ = LEASE.try_with(|_| Lease::extend_to(self.row));
        match MINE.get().get(self.row) {
            Some(row) => add_to(row, counter),
            None => {
                self.ending[counter as usize].fetch_add(1, Ordering::Release);
            }
        }
    }

    /// What all threads have counted.
    pub(crate) fn sum(&self, counter: Hot) -> u64 {
        let pool = POOL.lock();
        let rows = pool.blocks.iter().filter_map(|block| block.get(self.row));
        rows.chain([&self.ending])
            .map(|row| row[counter as usize].load(Ordering::Acquire))
            .fold(0, u64::saturating_add)
    }
}

#[inline]
fn add_to(row: &Row, counter: Hot) {
    let cell = &row[counter as usize];
    // Nobody else writes here. Released, so that who sees an end sees its beginning.
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
}

impl Drop for Cells {
    /// Nobody counts for a circuit that is gone, so whoever comes here may write to every thread's cells.
    fn drop(&mut self) {
        let mut pool = POOL.lock();
        for row in pool.blocks.iter().filter_map(|block| block.get(self.row)) {
            for cell in row {
                cell.store(0, Ordering::Relaxed);
            }
        }
        pool.free_rows.push(self.row);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::{Arc, Barrier};
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_that_needs_more_rows_loses_no_counts() {
        let all: Vec<_> = (0..3 * ROWS).map(|_| Cells::new()).collect();
        thread::scope(|scope| {
            scope.spawn(|| {
                for cells in all.iter().chain(&all) {
                    cells.add(Hot::Good);
                }
            });
        });
        assert!(all.iter().all(|cells| cells.sum(Hot::Good) == 2));
    }

    #[test]
    fn a_thread_that_is_ending_still_counts() {
        struct CountsLast(Arc<Cells>);
        impl Drop for CountsLast {
            fn drop(&mut self) {
                self.0.add(Hot::Good);
            }
        }
        thread_local!(static LAST: RefCell<Option<CountsLast>> = const { RefCell::new(None) });
        let cells = Arc::new(Cells::new());
        let counted = Arc::clone(&cells);
        // Destructors run in the order in which they were registered, or in the reverse: one way or the
        // other, one of the two threads counts after its block is gone.
        for last_first in [true, false] {
            let counted = Arc::clone(&counted);
            let thread = thread::spawn(move || {
                if last_first {
                    LAST.set(Some(CountsLast(Arc::clone(&counted))));
                }
                counted.add(Hot::Good);
                LAST.set(Some(CountsLast(counted)));
            });
            thread.join().unwrap();
        }
        assert_eq!(cells.sum(Hot::Good), 5);
        assert!(cells.ending[Hot::Good as usize].load(Ordering::Acquire) > 0);
    }

    #[test]
    fn what_threads_have_counted_stays_when_they_end() {
        let cells = Cells::new();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    (0..1000).for_each(|_| cells.add(Hot::Good));
                });
            }
        });
        assert_eq!((cells.sum(Hot::Good), cells.sum(Hot::Started)), (8000, 0));
    }

    #[test]
    fn from_its_second_count_on_a_thread_counts_at_once() {
        let cells = Cells::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(!cells.add_at_once(Hot::Good));
                cells.add(Hot::Good);
                assert!(cells.add_at_once(Hot::Good));
            });
        });
        assert_eq!(cells.sum(Hot::Good), 2);
    }

    #[test]
    fn a_thread_gets_the_shortest_free_block_that_has_its_row() {
        let mut pool = Pool { blocks: vec![], free_blocks: vec![], rows: 0, free_rows: vec![] };
        let blocks = [0, ROWS, 2 * ROWS].map(|row| pool.block_with(row));
        assert_eq!(blocks.map(<[Row]>::len), [ROWS, 2 * ROWS, 4 * ROWS]);
        pool.free_blocks.extend(blocks.iter().rev());
        for (row, block) in [(ROWS, blocks[1]), (ROWS - 1, blocks[0]), (0, blocks[2])] {
            assert!(std::ptr::eq(pool.block_with(row), block));
        }
        assert_eq!((pool.free_blocks.len(), pool.blocks.len()), (0, 3));
    }

    #[test]
    fn threads_that_come_and_go_share_few_blocks() {
        let cells = Cells::new();
        for _ in 0..200 {
            thread::scope(|scope| {
                scope.spawn(|| cells.add(Hot::Started));
            });
        }
        assert_eq!(cells.sum(Hot::Started), 200);
        let pool = POOL.lock();
        assert!(pool.blocks.len() < 100, "one block is handed on");
        assert!(pool.free_blocks.len() <= pool.blocks.len());
    }

    #[test]
    fn circuits_that_come_and_go_share_few_rows() {
        const CIRCUITS: usize = 100_000;
        (0..CIRCUITS).for_each(|_| drop(Cells::new()));
        assert!(POOL.lock().rows < CIRCUITS, "one row is handed on");
    }

    #[test]
    fn a_row_is_empty_for_its_next_circuit() {
        let first = Cells::new();
        let row = first.row;
        first.add(Hot::Started);
        drop(first);
        let mut others = Vec::new();
        let next = loop {
            let next = Cells::new();
            if next.row == row || others.len() > 10_000 {
                break next;
            }
            others.push(next);
        };
        assert_eq!(next.sum(Hot::Started), 0);
    }
}
