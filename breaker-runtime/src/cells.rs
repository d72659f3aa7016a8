//! Counters that every thread keeps for itself, and that are summed when somebody looks.
//!
//! *Why it exists:* an atomic addition costs more than everything else that a healthy call does, and
//! threads that share one slow each other down. A cell that only its own thread writes needs a plain load
//! and a plain store. Memory is bounded by the threads that live at once and the circuits that live at
//! once; what a thread has counted stays when it ends.

use std::array;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::sync::OnceCell;

use crate::sync::Mutex;

/// What is counted on the way of a good call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hot {
    Started,
    Success,
}

const COUNTERS: usize = 2;
/// Rows of the first chunk of a block. Each further chunk has twice as many as the one before.
const FIRST_ROWS: u32 = 64;
const CHUNKS: usize = (u32::BITS - FIRST_ROWS.trailing_zeros()) as usize;

type Row = [AtomicU64; COUNTERS];

/// The cells of one thread: a row for every circuit that it has called.
#[derive(Debug)]
struct Block {
    chunks: [OnceCell<Box<[Row]>>; CHUNKS],
}

/// The chunk of a row, and the place in it.
fn place(row: u32) -> (usize, usize) {
    let shifted = u64::from(row) + u64::from(FIRST_ROWS);
    let chunk = shifted.ilog2() - FIRST_ROWS.ilog2();
    let start = u64::from(FIRST_ROWS) << chunk;
    (chunk as usize, usize::try_from(shifted - start).unwrap_or(usize::MAX))
}

impl Block {
    fn new() -> Self {
        Self { chunks: array::from_fn(|_| OnceCell::new()) }
    }

    #[inline]
    fn row(&self, (chunk, at): (usize, usize)) -> Option<&Row> {
        self.chunks.get(chunk)?.get()?.get(at)
    }

    #[cold]
    fn make_room(&self, chunk: usize) {
        if let Some(cell) = self.chunks.get(chunk) {
            cell.get_or_init(|| {
                (0..u64::from(FIRST_ROWS) << chunk).map(|_| Row::default()).collect()
            });
        }
    }
}

/// Every block there ever was, those that no thread has, and the rows that no circuit has.
struct Pool {
    blocks: Vec<&'static Block>,
    free_blocks: Vec<&'static Block>,
    rows: u32,
    free_rows: Vec<u32>,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    blocks: Vec::new(),
    free_blocks: Vec::new(),
    rows: 0,
    free_rows: Vec::new(),
});

/// Gives the thread's block back when the thread ends.
struct Lease(&'static Block);

impl Lease {
    /// Blocks are handed on, never freed: there are as many as there were threads at once.
    fn take() -> Self {
        let mut pool = POOL.lock();
        let block = pool.free_blocks.pop().unwrap_or_else(|| {
            let block: &'static Block = Box::leak(Box::new(Block::new()));
            pool.blocks.push(block);
            block
        });
        Self(block)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        MINE.set(None);
        POOL.lock().free_blocks.push(self.0);
    }
}

thread_local! {
    /// Without a destructor, so that it can be read to the very end of the thread.
    static MINE: Cell<Option<&'static Block>> = const { Cell::new(None) };
    static LEASE: Lease = Lease::take();
}

/// The cells of one circuit, in the blocks of all threads.
#[derive(Debug)]
pub(crate) struct Cells {
    row: u32,
    /// Where the row is, so that no call has to work it out.
    place: (usize, usize),
}

impl Cells {
    pub(crate) fn new() -> Self {
        let mut pool = POOL.lock();
        let row = pool.free_rows.pop().unwrap_or_else(|| {
            pool.rows = pool.rows.saturating_add(1);
            pool.rows - 1
        });
        Self { row, place: place(row) }
    }

    /// Adds one in the thread's own cell; `false` if the thread has none any more, as it is ending.
    #[inline]
    pub(crate) fn add(&self, counter: Hot) -> bool {
        match MINE.get().and_then(|block| block.row(self.place)) {
            Some(row) => {
                let cell = &row[counter as usize];
                // Nobody else writes here. Released, so that who sees an end sees its beginning.
                cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
                true
            }
            None => self.add_first(counter),
        }
    }

    #[cold]
    fn add_first(&self, counter: Hot) -> bool {
        let Ok(block) = LEASE.try_with(|lease| lease.0) else { return false };
        MINE.set(Some(block));
        block.make_room(self.place.0);
        let Some(row) = block.row(self.place) else { return false };
        let cell = &row[counter as usize];
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        true
    }

    /// What all threads have counted.
    pub(crate) fn sum(&self, counter: Hot) -> u64 {
        let blocks = POOL.lock().blocks.clone();
        let rows = blocks.iter().filter_map(|block| block.row(self.place));
        rows.map(|row| row[counter as usize].load(Ordering::Acquire)).sum()
    }
}

impl Drop for Cells {
    /// Nobody counts for a circuit that is gone, so whoever comes here may write to every thread's cells.
    fn drop(&mut self) {
        let mut pool = POOL.lock();
        for row in pool.blocks.iter().filter_map(|block| block.row(self.place)) {
            for cell in row {
                cell.store(0, Ordering::Relaxed);
            }
        }
        pool.free_rows.push(self.row);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn rows_follow_each_other_through_chunks_that_double() {
        assert_eq!([place(0), place(63)], [(0, 0), (0, 63)]);
        assert_eq!([place(64), place(191), place(192)], [(1, 0), (1, 127), (2, 0)]);
        let (chunk, at) = place(u32::MAX);
        assert!(chunk <= CHUNKS && at < usize::MAX);
    }

    #[test]
    fn what_threads_have_counted_stays_when_they_end() {
        let cells = Cells::new();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    (0..1000).for_each(|_| assert!(cells.add(Hot::Success)));
                });
            }
        });
        assert_eq!((cells.sum(Hot::Success), cells.sum(Hot::Started)), (8000, 0));
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
        assert!(POOL.lock().blocks.len() < 100, "one block is handed on");
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
