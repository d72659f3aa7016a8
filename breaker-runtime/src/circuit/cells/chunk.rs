//! `Chunk`: what one thread counts for the circuits of one group.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Hot;
use crate::circuit::sync::{CellU64, Leaked};
use crate::circuit::word::Epoch;

/// A row: one cell for each [`Hot`], and the epoch of the timed good calls.
pub(super) const CELLS: usize = 5;
const EPOCH: usize = 4;
/// The circuits of a group.
pub(super) const ROWS: usize = 32;

macro_rules! rows {
    ($($row:ident = $first_cell:literal)*) => {
        /// A row of a chunk, by its first cell. The compiler knows all of them, so the fast path checks no
        /// bounds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Row { $($row = $first_cell),* }

        impl Row {
            pub(super) const ALL: [Self; ROWS] = [$(Self::$row),*];
        }
    };
}

rows! {
    R0 = 0 R1 = 5 R2 = 10 R3 = 15 R4 = 20 R5 = 25 R6 = 30 R7 = 35 R8 = 40 R9 = 45 R10 = 50
    R11 = 55 R12 = 60 R13 = 65 R14 = 70 R15 = 75 R16 = 80 R17 = 85 R18 = 90 R19 = 95 R20 = 100 R21 = 105
    R22 = 110 R23 = 115 R24 = 120 R25 = 125 R26 = 130 R27 = 135 R28 = 140 R29 = 145 R30 = 150 R31 = 155
}

/// What one thread counts for the circuits of one group. Only that thread writes here, but for
/// the rows of circuits that are gone.
#[derive(Debug)]
pub(super) struct Chunk {
    cells: [CellU64; ROWS * CELLS],
    /// Where the group lists it. Moves under the group's lock.
    pub(super) listed_at: AtomicUsize,
}

impl Chunk {
    /// Made where it stays: it is larger than some stacks have room for.
    pub(super) fn leaked() -> Leaked<Self> {
        let cells = |_| CellU64::new(0);
        Leaked::new(|| Self { cells: std::array::from_fn(cells), listed_at: AtomicUsize::new(0) })
    }

    /// Adds one. Released, so that a reader that sees the end of a call also sees its start.
    #[inline]
    pub(super) fn add(&self, row: Row, counter: Hot) {
        let cell = &self.cells[row as usize + counter as usize];
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    pub(super) fn of(&self, row: Row, counter: Hot) -> u64 {
        self.cells[row as usize + counter as usize].load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn epoch(&self, row: Row) -> Epoch {
        Epoch::from_bits(self.cells[row as usize + EPOCH].load(Ordering::Relaxed))
    }

    /// Begins to count the good calls of another epoch. Under the group's lock.
    pub(super) fn begin_epoch(&self, row: Row, epoch: Epoch) {
        self.cells[row as usize + EPOCH].store(epoch.bits(), Ordering::Relaxed);
        self.cells[row as usize + Hot::TimedGood as usize].store(0, Ordering::Relaxed);
    }

    pub(super) fn has_counted(&self, row: Row) -> bool {
        let counts = &self.cells[row as usize..][..CELLS];
        counts.iter().any(|cell| cell.load(Ordering::Relaxed) != 0)
    }

    /// Empties a row for another circuit or thread.
    pub(super) fn clear(&self, row: Row) {
        for cell in &self.cells[row as usize..][..CELLS] {
            cell.store(0, Ordering::Relaxed);
        }
    }
}
