//! `Lease`: the chunks that a thread has, until it ends.

use std::cell::RefCell;
use std::sync::Weak;

use super::Cells;
use super::chunk::Chunk;
use super::group::Group;
use crate::circuit::sync::{Leaked, Slot, thread_local};

/// A thread finds its chunks for the groups below this in one step. Those from here on are in a list.
pub(super) const FAR: u8 = u8::MAX;
/// The place of the far ones is there and stays empty. So a place needs no check that it is one.
const PLACES: usize = FAR as usize + 1;

/// A chunk, for as long as a thread lives.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) group: Weak<Group>,
    pub(super) chunk: Leaked<Chunk>,
}

thread_local! {
    /// The thread's chunks. Without a destructor, so that a look at one takes no check whether it is there.
    pub(super) static NEAR_CHUNKS: [Slot<Chunk>; PLACES] = const { [const { Slot::empty() }; PLACES] };
    pub(super) static LEASE: Lease = Lease::default();
}

/// Retires the thread's chunks when the thread ends.
#[derive(Default)]
pub(super) struct Lease {
    near: RefCell<Vec<Lent>>,
    far: RefCell<Vec<Option<Lent>>>,
}

impl Lease {
    pub(super) fn with_chunk<R>(&self, cells: &Cells, act: impl FnOnce(&Chunk) -> R) -> R {
        if cells.near == FAR {
            let mut far = self.far.borrow_mut();
            let at = cells.group.number - usize::from(FAR);
            if far.len() <= at {
                far.resize_with(at + 1, || None);
            }
            return act(&far[at].get_or_insert_with(|| cells.group.enlist()).chunk);
        }
        NEAR_CHUNKS.with(|chunks| {
            let slot = &chunks[usize::from(cells.near)];
            let chunk = slot.get().unwrap_or_else(|| {
                let lent = cells.group.enlist();
                let chunk = lent.chunk.clone();
                slot.set(Some(chunk.clone()));
                // A thread that ends reads each of its cells, which makes too many orders for a model.
                if cfg!(not(breaker_loom)) {
                    self.near.borrow_mut().push(lent);
                }
                chunk
            });
            act(&chunk)
        })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Destructors that run later must not find what others use by then.
        let _ = NEAR_CHUNKS.try_with(|chunks| chunks.each_ref().map(|slot| slot.set(None)));
        let far = self.far.take().into_iter().flatten();
        for Lent { group, chunk } in self.near.take().into_iter().chain(far) {
            if let Some(group) = group.upgrade() {
                group.retire(chunk);
            }
        }
    }
}
