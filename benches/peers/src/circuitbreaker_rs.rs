//! circuitbreaker-rs 0.1.

use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use breaker_benches::{Fault, bare, bare_async};
use circuitbreaker_rs::{BreakerResult, CircuitBreaker, DefaultPolicy, State};

use crate::drive::{failing_each, finish, succeeding};
use crate::item::{Contender, Group, Item, Side};

type Breaker = CircuitBreaker<DefaultPolicy, Fault>;

static CLOSED: LazyLock<Breaker> = LazyLock::new(closed);
static OPEN: LazyLock<Breaker> = LazyLock::new(|| {
    let breaker = closed();
    breaker.force_open();
    breaker
});
static HALF_OPEN: LazyLock<Breaker> = LazyLock::new(|| with_cooldown(Duration::from_millis(1)));
static FIRST: [LazyLock<Breaker>; 100] = [const { LazyLock::new(closed as fn() -> Breaker) }; 100];

fn closed() -> Breaker {
    with_cooldown(Duration::from_secs(3600))
}

fn with_cooldown(cooldown: Duration) -> Breaker {
    CircuitBreaker::<DefaultPolicy, Fault>::builder()
        .failure_threshold(0.5)
        .min_throughput(100)
        .consecutive_failures(u64::MAX)
        .consecutive_successes(u64::MAX)
        .probe_interval(u32::MAX)
        .cooldown(cooldown)
        .build()
}

#[inline(never)]
fn guarded(fails: bool) -> BreakerResult<u64, Fault> {
    CLOSED.call(|| bare(fails))
}

#[inline(never)]
fn refused(fails: bool) -> BreakerResult<u64, Fault> {
    OPEN.call(|| bare(fails))
}

#[inline(never)]
fn probed(fails: bool) -> BreakerResult<u64, Fault> {
    HALF_OPEN.call(|| bare(fails))
}

#[inline(never)]
fn polled(fails: bool) -> BreakerResult<u64, Fault> {
    finish(CLOSED.call_async(|| bare_async(fails)))
}

#[inline(never)]
fn polled_open(fails: bool) -> BreakerResult<u64, Fault> {
    finish(OPEN.call_async(|| bare_async(fails)))
}

fn check_closed() {
    assert_eq!(CLOSED.current_state(), State::Closed);
}

fn check_open() {
    assert_eq!(OPEN.current_state(), State::Open);
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: "circuitbreaker-rs 0.1",
        side: Side::Peer,
        legend: "no window: the rate of all calls since it last closed, 50 %, minimum 100. Runs never \
                 open it. It always times calls and dates outcomes, though nothing here uses that. \
                 Calls never reach its policy with a window of time",
        items: vec![
            Item::new(Group::SyncOk, |calls| succeeding(calls, guarded)).check(check_closed),
            Item::new(Group::SyncOnePercent, |calls| failing_each(100, calls, guarded))
                .check(check_closed),
            Item::new(Group::SyncTenPercent, |calls| failing_each(10, calls, guarded))
                .check(check_closed),
            Item::new(Group::SyncOpen, |calls| succeeding(calls, refused)).check(check_open),
            Item::new(Group::SyncHalfOpen, |calls| succeeding(calls, probed))
                .prepare(|| {
                    HALF_OPEN.force_open();
                    sleep(Duration::from_millis(5));
                })
                .check(|| assert_eq!(HALF_OPEN.current_state(), State::HalfOpen)),
            Item::new(Group::AsyncOk, |calls| succeeding(calls, polled)).check(check_closed),
            Item::new(Group::AsyncOpen, |calls| succeeding(calls, polled_open)).check(check_open),
        ],
        first_call: Some(|site| assert!(FIRST[site].call(|| bare(false)).is_ok())),
    }
}
