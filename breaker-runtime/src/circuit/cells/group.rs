//! `Group`: the threads that count for the same circuits, and what was counted by those that have ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Hot;
use super::chunk::{CELLS, Chunk, ROWS, Row};
use super::lease::Lent;
use crate::circuit::sync::{Leaked, RwLock};
use crate::circuit::word::Epoch;

/// What was counted for a circuit outside of the chunks of the threads that live.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Past {
    pub(super) started: u64,
    pub(super) good: u64,
    pub(super) refused: u64,
    /// The epoch that the circuit is in, if it ever counted good calls by epoch.
    pub(super) epoch: Epoch,
    /// Timed good calls of that epoch.
    pub(super) now: u64,
    /// Timed good calls of epochs that are over.
    pub(super) earlier: u64,
    /// As many of those of epochs that are over as the circuit went by. The others came late.
    pub(super) heard: u64,
}

impl Past {
    pub(super) fn add_timed(&mut self, epoch: Epoch, calls: u64) {
        let sum = if epoch == self.epoch { &mut self.now } else { &mut self.earlier };
        *sum = sum.wrapping_add(calls);
    }

    pub(super) fn add(&mut self, counter: Hot, epoch: Epoch) {
        match counter {
            Hot::Started => self.started = self.started.wrapping_add(1),
            Hot::Good => self.good = self.good.wrapping_add(1),
            Hot::Refused => self.refused = self.refused.wrapping_add(1),
            Hot::TimedGood => self.add_timed(epoch, 1),
        }
    }

    /// Takes what a thread has counted that ends.
    fn take_over(&mut self, chunk: &Chunk, row: Row) {
        self.started = self.started.wrapping_add(chunk.of(row, Hot::Started));
        self.good = self.good.wrapping_add(chunk.of(row, Hot::Good));
        self.refused = self.refused.wrapping_add(chunk.of(row, Hot::Refused));
        self.add_timed(chunk.epoch(row), chunk.of(row, Hot::TimedGood));
    }
}

/// The threads that count for the same 32 circuits.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) number: usize,
    pub(super) threads: RwLock<Threads>,
}

#[derive(Debug)]
pub(super) struct Threads {
    pub(super) chunks: Vec<Leaked<Chunk>>,
    /// Those of threads that have ended, with what they counted.
    pub(super) free: Vec<Leaked<Chunk>>,
    /// By row. A healthy circuit whose threads all live has none.
    pub(super) past: [Option<Box<Past>>; ROWS],
}

impl Threads {
    pub(super) fn past(&self, row: Row) -> Past {
        self.past[row as usize / CELLS].as_deref().copied().unwrap_or_default()
    }

    pub(super) fn past_mut(&mut self, row: Row) -> &mut Past {
        self.past[row as usize / CELLS].get_or_insert_default()
    }

    /// Timed good calls of the epoch that the circuit is in.
    pub(super) fn good_now(&self, row: Row) -> u64 {
        let past = self.past(row);
        let of_epoch = self.chunks.iter().filter(|chunk| chunk.epoch(row) == past.epoch);
        of_epoch.map(|chunk| chunk.of(row, Hot::TimedGood)).fold(past.now, u64::wrapping_add)
    }
}

impl Group {
    pub(super) fn new(number: usize) -> Self {
        let (chunks, free) = (Vec::new(), Vec::new());
        let threads = Threads { chunks, free, past: [const { None }; ROWS] };
        Self { number, threads: RwLock::new(threads) }
    }

    /// A chunk for this thread.
    pub(super) fn enlist(self: &Arc<Self>) -> Lent {
        let mut threads = self.threads.write();
        let chunk = threads.free.pop().map_or_else(Chunk::leaked, |used| {
            for row in Row::ALL {
                used.clear(row);
            }
            used
        });
        chunk.listed_at.store(threads.chunks.len(), Ordering::Relaxed);
        threads.chunks.push(chunk.clone());
        Lent { group: Arc::downgrade(self), chunk }
    }

    /// Takes over the counts of a thread that ends, and its chunk.
    pub(super) fn retire(&self, chunk: Leaked<Chunk>) {
        let mut threads = self.threads.write();
        for row in Row::ALL {
            if chunk.has_counted(row) {
                threads.past_mut(row).take_over(&chunk, row);
            }
        }
        let at = chunk.listed_at.load(Ordering::Relaxed);
        threads.chunks.swap_remove(at);
        if let Some(moved) = threads.chunks.get(at) {
            moved.listed_at.store(at, Ordering::Relaxed);
        }
        if threads.chunks.len() < threads.chunks.capacity() / 4 {
            let twice = threads.chunks.len() * 2;
            threads.chunks.shrink_to(twice);
        }
        threads.free.push(chunk);
    }
}
