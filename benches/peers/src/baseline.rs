//! The same work without a breaker, and the unit of all ratios.

use std::sync::atomic::{AtomicU64, Ordering};

use breaker_benches::{Fault, bare, bare_async, bare_keyed};

use crate::drive::{failing_each, finish, succeeding};
use crate::item::{Contender, Group, Item, Side};
use crate::ours::{each_host, own_host};
use crate::tower;

/// The label of the function itself.
pub(crate) const NAME: &str = "none";
pub(crate) const COUNTED: &str = "none, fetch_add";

/// On a cache line of its own, which nobody else writes to.
#[repr(align(128))]
struct Counter(AtomicU64);

static COUNTER: Counter = Counter(AtomicU64::new(0));

/// What everything is measured in: the bare function, with one addition.
#[inline(never)]
fn counted(fails: bool) -> Result<u64, Fault> {
    COUNTER.0.fetch_add(1, Ordering::Relaxed);
    if fails { Err(Fault::Down) } else { Ok(1) }
}

#[inline(never)]
fn polled(fails: bool) -> Result<u64, Fault> {
    finish(bare_async(fails))
}

/// Nothing but the additions, whose results nobody wants: the least that one can take.
#[inline(never)]
fn add(times: u64) -> u64 {
    let before = COUNTER.0.load(Ordering::Relaxed);
    for _ in 0..times {
        COUNTER.0.fetch_add(1, Ordering::Relaxed);
    }
    COUNTER.0.load(Ordering::Relaxed) - before
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: NAME,
        side: Side::Baseline,
        legend: "the function itself, and the same with one relaxed `fetch_add` on a static; as a \
                 tower service, bare and behind tower's own `LoadShed`",
        items: vec![
            Item::new(Group::Unit, add).variant("fetch_add alone"),
            Item::new(Group::SyncOk, |calls| succeeding(calls, bare)),
            Item::new(Group::SyncOk, |calls| succeeding(calls, counted)).variant("fetch_add"),
            Item::new(Group::SyncOnePercent, |calls| failing_each(100, calls, bare)),
            Item::new(Group::SyncTenPercent, |calls| failing_each(10, calls, bare)),
            Item::new(Group::AsyncOk, |calls| succeeding(calls, polled)),
            tower::bare_item(),
            tower::shedding_item(),
            Item::new(Group::Keyed, |calls| each_host(calls, bare_keyed)),
            Item::new(Group::OwnKey, |calls| own_host(calls, bare_keyed)),
        ],
        first_call: None,
    }
}
