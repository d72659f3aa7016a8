//! recloser 1.4.

use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use breaker_benches::{Fault, bare, bare_async};
use recloser::{AsyncRecloser, Error, Recloser};

use crate::drive::{failing_each, finish, succeeding, until_refused};
use crate::item::{Contender, Group, Item, Side};

/// How the table calls it.
pub(crate) const NAME: &str = "recloser 1.4";

static CLOSED: LazyLock<Recloser> = LazyLock::new(closed);
static OPEN: LazyLock<Recloser> = LazyLock::new(open);
static HALF_OPEN: LazyLock<Recloser> = LazyLock::new(half_open);
static CLOSED_ASYNC: LazyLock<AsyncRecloser> = LazyLock::new(|| closed().into());
static OPEN_ASYNC: LazyLock<AsyncRecloser> = LazyLock::new(|| open().into());
static FIRST: [LazyLock<Recloser>; 100] =
    [const { LazyLock::new(closed as fn() -> Recloser) }; 100];

const COOLDOWN: Duration = Duration::from_millis(20);

fn closed() -> Recloser {
    Recloser::custom().error_rate(0.5).closed_len(100).open_wait(Duration::from_secs(3600)).build()
}

fn open() -> Recloser {
    let recloser = closed();
    until_refused(|| recloser.call(|| bare(true)), is_refusal);
    recloser
}

/// Stays half-open: a share of failures below zero, at which it would close, is never reached.
fn half_open() -> Recloser {
    Recloser::custom()
        .error_rate_closed(0.5)
        .error_rate_half_open(-0.5)
        .closed_len(100)
        .open_wait(COOLDOWN)
        .build()
}

fn is_refusal(error: &Error<Fault>) -> bool {
    matches!(error, Error::Rejected)
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
fn probed(fails: bool) -> Result<u64, Error<Fault>> {
    HALF_OPEN.call(|| bare(fails))
}

#[inline(never)]
fn polled(fails: bool) -> Result<u64, Error<Fault>> {
    finish(CLOSED_ASYNC.call(bare_async(fails)))
}

#[inline(never)]
fn polled_open(fails: bool) -> Result<u64, Error<Fault>> {
    finish(OPEN_ASYNC.call(bare_async(fails)))
}

/// It does not tell its state, but only a half-open one that never closes opens at a single failure.
fn check_half_open() {
    assert!(matches!(probed(true), Err(Error::Inner(Fault::Down))));
    assert!(matches!(probed(false), Err(Error::Rejected)));
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: NAME,
        side: Side::Peer,
        legend: "an exact window of the last 100 calls, 50 %, judged from the 101st on. It does not \
                 show its state. Each async call clones an `Arc`. Its half-open state has no limit on \
                 probes. A rate that is never reached holds it there",
        items: vec![
            Item::new(Group::SyncOk, |calls| succeeding(calls, guarded)),
            Item::new(Group::SyncOnePercent, |calls| failing_each(100, calls, guarded)),
            Item::new(Group::SyncTenPercent, |calls| failing_each(10, calls, guarded)),
            Item::new(Group::SyncOpen, |calls| succeeding(calls, refused)),
            Item::new(Group::SyncHalfOpen, |calls| succeeding(calls, probed))
                .prepare(|| {
                    until_refused(|| probed(true), is_refusal);
                    sleep(2 * COOLDOWN);
                    succeeding(20, probed);
                })
                .check(check_half_open),
            Item::new(Group::AsyncOk, |calls| succeeding(calls, polled)),
            Item::new(Group::AsyncOpen, |calls| succeeding(calls, polled_open)),
        ],
        first_call: Some(|site| assert!(FIRST[site].call(|| bare(false)).is_ok())),
    }
}
