//! breaker 2.0, the peer that has our name.

use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use breaker::{CircuitBreaker, CircuitBreakerConfig, CircuitBreakerError, State};
use breaker_benches::{Fault, bare, bare_async};

use crate::drive::{failing_each, finish, succeeding};
use crate::item::{Contender, Group, Item, Side};

type Refusable = Result<u64, CircuitBreakerError<Fault>>;

static CLOSED: LazyLock<CircuitBreaker> = LazyLock::new(closed);
static OPEN: LazyLock<CircuitBreaker> = LazyLock::new(|| {
    let breaker = closed();
    breaker.trip();
    breaker
});
static HALF_OPEN: LazyLock<CircuitBreaker> =
    LazyLock::new(|| with_cooldown(Duration::from_millis(1)));
static FIRST: [LazyLock<CircuitBreaker>; 100] =
    [const { LazyLock::new(closed as fn() -> CircuitBreaker) }; 100];

fn closed() -> CircuitBreaker {
    with_cooldown(Duration::from_secs(3600))
}

fn with_cooldown(cooldown: Duration) -> CircuitBreaker {
    let config = CircuitBreakerConfig::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(100)
        .minimum_calls(100)
        .consecutive_failures(u32::MAX)
        .success_threshold(u32::MAX)
        .wait_duration(cooldown)
        .build();
    CircuitBreaker::new(config)
}

/// Its sync interface: ask for the state, and record.
#[inline]
fn call(breaker: &CircuitBreaker, fails: bool) -> Refusable {
    if breaker.is_open() {
        return Err(CircuitBreakerError::CircuitOpen);
    }
    match bare(fails) {
        Ok(value) => {
            breaker.record_success();
            Ok(value)
        }
        Err(error) => {
            breaker.record_failure();
            Err(CircuitBreakerError::Failure(error))
        }
    }
}

#[inline(never)]
fn guarded(fails: bool) -> Refusable {
    call(&CLOSED, fails)
}

#[inline(never)]
fn refused(fails: bool) -> Refusable {
    call(&OPEN, fails)
}

#[inline(never)]
fn probed(fails: bool) -> Refusable {
    call(&HALF_OPEN, fails)
}

#[inline(never)]
fn polled(fails: bool) -> Refusable {
    finish(CLOSED.call(|| bare_async(fails)))
}

#[inline(never)]
fn polled_open(fails: bool) -> Refusable {
    finish(OPEN.call(|| bare_async(fails)))
}

fn check_closed() {
    assert_eq!(CLOSED.state(), State::Closed);
}

fn check_open() {
    assert_eq!(OPEN.state(), State::Open);
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: "breaker 2.0",
        side: Side::Peer,
        legend: "an exact window of the last 100 calls, 50 %, minimum 100. Runs never open it. Its \
                 `call` is async only, so sync calls ask `is_open` and record the result. That takes \
                 no probe's permit",
        items: vec![
            Item::new(Group::SyncOk, |calls| succeeding(calls, guarded)).check(check_closed),
            Item::new(Group::SyncOnePercent, |calls| failing_each(100, calls, guarded))
                .check(check_closed),
            Item::new(Group::SyncTenPercent, |calls| failing_each(10, calls, guarded))
                .check(check_closed),
            Item::new(Group::SyncOpen, |calls| succeeding(calls, refused)).check(check_open),
            Item::new(Group::SyncHalfOpen, |calls| succeeding(calls, probed))
                .prepare(|| {
                    HALF_OPEN.trip();
                    sleep(Duration::from_millis(5));
                })
                .check(|| assert_eq!(HALF_OPEN.state(), State::HalfOpen)),
            Item::new(Group::AsyncOk, |calls| succeeding(calls, polled)).check(check_closed),
            Item::new(Group::AsyncOpen, |calls| succeeding(calls, polled_open)).check(check_open),
        ],
        first_call: Some(|site| assert!(call(&FIRST[site], false).is_ok())),
    }
}
