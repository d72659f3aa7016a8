//! `circuit_breaker` 0.1.

use std::error::Error;
use std::sync::LazyLock;
use std::time::Duration;

use breaker_benches::bare;
use circuit_breaker::{CircuitBreaker, CircuitState};

use crate::drive::{failing_each, succeeding};
use crate::item::{Contender, Group, Item, Side};

static CLOSED: LazyLock<CircuitBreaker> = LazyLock::new(closed);
static OPEN: LazyLock<CircuitBreaker> = LazyLock::new(|| {
    let breaker = CircuitBreaker::new(5, HOUR);
    for _ in 0..5 {
        breaker.handle_failure();
    }
    breaker
});
static FIRST: [LazyLock<CircuitBreaker>; 100] =
    [const { LazyLock::new(closed as fn() -> CircuitBreaker) }; 100];

const HOUR: Duration = Duration::from_secs(3600);

/// Opens never: it counts all failures of its life, so a fifth would come in any measurement with failures.
fn closed() -> CircuitBreaker {
    CircuitBreaker::new(u32::MAX, HOUR)
}

#[inline(never)]
fn guarded(fails: bool) -> Result<u64, Box<dyn Error>> {
    CLOSED.execute(|| bare(fails))
}

#[inline(never)]
fn refused(fails: bool) -> Result<u64, Box<dyn Error>> {
    OPEN.execute(|| bare(fails))
}

fn check_closed() {
    assert_eq!(CLOSED.state(), CircuitState::Closed);
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: "circuit_breaker 0.1",
        side: Side::Peer,
        legend: "no window: it counts failures and never forgets one while closed, so it opens after \
                 2^32 - 1 of them here. Each failure allocates a box. The first good probe closes it, \
                 so there is no steady half-open state",
        items: vec![
            Item::new(Group::SyncOk, |calls| succeeding(calls, guarded)).check(check_closed),
            Item::new(Group::SyncOnePercent, |calls| failing_each(100, calls, guarded))
                .check(check_closed),
            Item::new(Group::SyncTenPercent, |calls| failing_each(10, calls, guarded))
                .check(check_closed),
            Item::new(Group::SyncOpen, |calls| succeeding(calls, refused))
                .check(|| assert_eq!(OPEN.state(), CircuitState::Open)),
        ],
        first_call: Some(|site| assert!(FIRST[site].execute(|| bare(false)).is_ok())),
    }
}
