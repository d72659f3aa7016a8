//! failsafe 1.3, with each of its two policies.

use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::Duration;

use breaker_benches::{Fault, bare, bare_async};
use failsafe::backoff::{self, Constant};
use failsafe::failure_policy::{self, ConsecutiveFailures, SuccessRateOverTimeWindow};
use failsafe::{CircuitBreaker as _, Config, Error, StateMachine};

use crate::drive::{failing_each, finish, succeeding, until_refused};
use crate::item::{Contender, Group, Item, Side};

/// How the table calls it with the policy that has a window of time.
pub(crate) const RATE: &str = "failsafe 1.3, rate";

type InARow = StateMachine<ConsecutiveFailures<Constant>, ()>;
type Rate = StateMachine<SuccessRateOverTimeWindow<Constant>, ()>;

static CLOSED: LazyLock<InARow> = LazyLock::new(closed);
static OPEN: LazyLock<InARow> = LazyLock::new(|| {
    let breaker = closed();
    until_refused(|| breaker.call(|| bare(true)), |error| matches!(error, Error::Rejected));
    breaker
});
static TIMED: LazyLock<Rate> = LazyLock::new(timed);
static FIRST: [LazyLock<InARow>; 100] = [const { LazyLock::new(closed as fn() -> InARow) }; 100];

const IN_A_ROW: &str = "5 in a row";

fn cooldown() -> Constant {
    backoff::constant(Duration::from_secs(3600))
}

fn closed() -> InARow {
    let policy = failure_policy::consecutive_failures(5, cooldown());
    Config::new().failure_policy(policy).build()
}

fn timed() -> Rate {
    let window = Duration::from_secs(10);
    let policy = failure_policy::success_rate_over_time_window(0.5, 100, window, cooldown());
    Config::new().failure_policy(policy).build()
}

#[inline(never)]
fn guarded(fails: bool) -> Result<u64, Error<Fault>> {
    CLOSED.call(|| bare(fails))
}

#[inline(never)]
fn refused(fails: bool) -> Result<u64, Error<Fault>> {
    OPEN.call(|| bare(fails))
}

#[inline(never)]
fn timed_call(fails: bool) -> Result<u64, Error<Fault>> {
    TIMED.call(|| bare(fails))
}

#[inline(never)]
fn polled(fails: bool) -> Result<u64, Error<Fault>> {
    use failsafe::futures::CircuitBreaker;
    finish(CircuitBreaker::call(&*CLOSED, bare_async(fails)))
}

#[inline(never)]
fn polled_open(fails: bool) -> Result<u64, Error<Fault>> {
    use failsafe::futures::CircuitBreaker;
    finish(CircuitBreaker::call(&*OPEN, bare_async(fails)))
}

/// Its state is in its debug output only.
fn is(breaker: &impl Debug, state: &str) {
    assert_eq!(format!("{breaker:?}"), format!("StateMachine {{ state: {state:?} }}"));
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: "failsafe 1.3",
        side: Side::Peer,
        legend: "`5 in a row` is `consecutive_failures(5)`, without a window. `rate` is \
                 `success_rate_over_time_window(0.5, 100, 10 s)`: a moving average, not judged in the \
                 first 10 s. Its other states are those of `5 in a row`. Each async call clones an \
                 `Arc`. The first good probe closes it, so there is no steady half-open state",
        items: items(),
        first_call: Some(|site| assert!(FIRST[site].call(|| bare(false)).is_ok())),
    }
}

fn items() -> Vec<Item> {
    vec![
        Item::new(Group::SyncOk, |calls| succeeding(calls, guarded))
            .variant(IN_A_ROW)
            .check(|| is(&*CLOSED, "closed")),
        Item::new(Group::SyncOnePercent, |calls| failing_each(100, calls, guarded))
            .variant(IN_A_ROW)
            .check(|| is(&*CLOSED, "closed")),
        Item::new(Group::SyncTenPercent, |calls| failing_each(10, calls, guarded))
            .variant(IN_A_ROW)
            .check(|| is(&*CLOSED, "closed")),
        Item::new(Group::SyncOpen, |calls| succeeding(calls, refused))
            .variant(IN_A_ROW)
            .check(|| is(&*OPEN, "open")),
        Item::new(Group::AsyncOk, |calls| succeeding(calls, polled))
            .variant(IN_A_ROW)
            .check(|| is(&*CLOSED, "closed")),
        Item::new(Group::AsyncOpen, |calls| succeeding(calls, polled_open))
            .variant(IN_A_ROW)
            .check(|| is(&*OPEN, "open")),
        Item::new(Group::TimeWindow, |calls| succeeding(calls, timed_call))
            .variant("rate")
            .check(|| is(&*TIMED, "closed")),
        Item::new(Group::TimeWindowTenPercent, |calls| failing_each(10, calls, timed_call))
            .variant("rate")
            .check(|| is(&*TIMED, "closed")),
    ]
}
