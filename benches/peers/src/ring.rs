//! A mutex around a ring of outcomes: what people write themselves.

use std::sync::Mutex;

use breaker_benches::{Fault, bare};

use crate::drive::{failing_each, succeeding};
use crate::item::{Contender, Group, Item, Side};

const CALLS: usize = 100;

/// The outcomes of the last calls, and the share of them that opens.
struct Ring {
    failed: [bool; CALLS],
    at: usize,
    failures: usize,
    is_open: bool,
}

static RING: Mutex<Ring> =
    Mutex::new(Ring { failed: [false; CALLS], at: 0, failures: 0, is_open: false });

impl Ring {
    fn record(&mut self, failed: bool) {
        self.failures += usize::from(failed);
        self.failures -= usize::from(std::mem::replace(&mut self.failed[self.at], failed));
        self.at = (self.at + 1) % CALLS;
        self.is_open |= self.failures * 2 >= CALLS;
    }
}

#[inline(never)]
fn guarded(fails: bool) -> Result<u64, Fault> {
    if RING.lock().expect("nobody panics").is_open {
        return Err(Fault::Down);
    }
    let result = bare(fails);
    RING.lock().expect("nobody panics").record(result.is_err());
    result
}

fn check() {
    assert!(!RING.lock().expect("nobody panics").is_open);
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: "mutex around a ring",
        side: Side::Peer,
        legend: "forty lines with `std::sync::Mutex`: exact window of the last 100 calls, 50 %; it never closes again, \
                 counts nothing, and tells nobody",
        items: vec![
            Item::new(Group::SyncOk, |calls| succeeding(calls, guarded)).check(check),
            Item::new(Group::SyncOnePercent, |calls| failing_each(100, calls, guarded))
                .check(check),
            Item::new(Group::SyncTenPercent, |calls| failing_each(10, calls, guarded)).check(check),
        ],
        first_call: None,
    }
}
