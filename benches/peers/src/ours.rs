//! breaker, through its attribute.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use breaker_benches::first::SITES;
use breaker_benches::{
    Fault, answered, guarded, guarded_async, heard, in_a_row, keyed, probed, refused,
    refused_async, slow_coarse, slow_precise, time_window, timed, watched,
};
use breaker_runtime::{Snapshot, State, registry};

use crate::drive::{failing_each, finish, succeeding};
use crate::item::{Answers, Contender, Group, Item, Side};
use crate::tower;

/// The label of the circuit with a window of 100 calls.
pub(crate) const NAME: &str = "breaker-runtime";
/// The variants that targets name.
pub(crate) const FALLBACK: &str = "breaker-runtime, with a fallback";
pub(crate) const HEARD: &str = "breaker-runtime, with a listener";
pub(crate) const WATCHED: &str = "breaker-runtime, hung_after";
pub(crate) const TIMED: &str = "breaker-runtime, timings";
pub(crate) const COARSE: &str = "breaker-runtime, 1 s";
pub(crate) const PRECISE: &str = "breaker-runtime, 50 ms";

const HOSTS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];

#[inline(never)]
fn polled(fails: bool) -> Result<u64, Fault> {
    finish(guarded_async(fails))
}

#[inline(never)]
fn polled_open(fails: bool) -> Result<u64, Fault> {
    finish(refused_async(fails))
}

/// Makes `calls` calls to one host. The first eight threads have a host each.
pub(crate) fn own_host<E>(calls: u64, call: fn(&str, bool) -> Result<u64, E>) -> u64 {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed));
    let host = black_box(HOSTS[NUMBER.with(|number| *number) % HOSTS.len()]);
    succeeding(calls, |fails| call(host, fails))
}

/// Makes so many calls that succeed, to one host after the other.
#[inline]
pub(crate) fn each_host(calls: u64, call: fn(&str, bool) -> Result<u64, Fault>) -> u64 {
    let mut hosts = HOSTS.into_iter().cycle();
    succeeding(calls, |fails| {
        let host = hosts.next().expect("a cycle has no end");
        call(host, fails)
    })
}

fn snapshot(name: &str) -> Snapshot {
    registry().get(name).expect("the linker lists every site").snapshot()
}

fn is(name: &str, state: State) {
    let snapshot = snapshot(name);
    assert_eq!(snapshot.state, state, "{name}: {}", snapshot.explain());
    assert_eq!(snapshot.calls.late, 0, "{name}: every call should end in the state it began in");
}

fn open(name: &str) {
    registry().get(name).expect("the linker lists every site").trip();
}

/// Makes so many calls that are refused, while a listener counts them.
fn listened_to(calls: u64) -> u64 {
    let told = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&told);
    let subscription = registry().subscribe(move |event| {
        counter.fetch_add(1 + event.missed, Ordering::Relaxed);
    });
    let good = succeeding(calls, heard);
    drop(subscription);
    assert_eq!(told.load(Ordering::Relaxed), calls, "every refusal is told");
    good
}

fn half_open() {
    open("benches.half_open");
    sleep(Duration::from_millis(150));
    probed(false).expect("a probe is due");
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: NAME,
        side: Side::Ours,
        legend: "the attribute, with an exact window of the last 100 calls, 50 %, minimum 100. Totals \
                 are kept, and there is no other listener. `5 in a row` counts a run only. The time \
                 window is 10 s in ten buckets. `1 s` and `50 ms` are `slow_call`, and `hung_after` \
                 is 1 s. `with a fallback` answers refused calls with a constant. `with a listener` \
                 has one that counts refused calls. The first call of all makes the circuits of all \
                 functions, so later first calls find theirs. `tower` is the layer of `breaker-tower`",
        items: items(),
        first_call: Some(|site| assert!(SITES[site](false).is_ok())),
    }
}

fn items() -> Vec<Item> {
    vec![
        Item::new(Group::SyncOk, |calls| succeeding(calls, guarded))
            .check(|| is("benches.sync", State::Closed)),
        Item::new(Group::SyncOk, |calls| succeeding(calls, in_a_row))
            .variant("5 in a row")
            .check(|| is("benches.in_a_row", State::Closed)),
        Item::new(Group::SyncOk, |calls| succeeding(calls, watched))
            .variant("hung_after")
            .check(|| is("benches.watched", State::Closed)),
        Item::new(Group::SyncOk, |calls| succeeding(calls, timed))
            .variant("timings")
            .check(|| is("benches.timed", State::Closed)),
        Item::new(Group::SyncOnePercent, |calls| failing_each(100, calls, guarded))
            .check(|| is("benches.sync", State::Closed)),
        Item::new(Group::SyncTenPercent, |calls| failing_each(10, calls, guarded))
            .check(|| is("benches.sync", State::Closed)),
        Item::new(Group::SyncOpen, |calls| succeeding(calls, refused))
            .prepare(|| open("benches.open"))
            .check(|| is("benches.open", State::Open)),
        Item::new(Group::SyncOpen, |calls| succeeding(calls, answered))
            .variant("with a fallback")
            .answers(Answers::Good)
            .prepare(|| open("benches.open_fallback"))
            .check(|| {
                is("benches.open_fallback", State::Open);
                assert_eq!(snapshot("benches.open_fallback").calls.started, 0);
            }),
        Item::new(Group::SyncOpen, listened_to)
            .variant("with a listener")
            .prepare(|| open("benches.heard"))
            .check(|| is("benches.heard", State::Open)),
        Item::new(Group::SyncHalfOpen, |calls| succeeding(calls, probed))
            .prepare(half_open)
            .check(|| is("benches.half_open", State::HalfOpen)),
        Item::new(Group::AsyncOk, |calls| succeeding(calls, polled))
            .check(|| is("benches.async", State::Closed)),
        Item::new(Group::AsyncOpen, |calls| succeeding(calls, polled_open))
            .prepare(|| open("benches.open_async"))
            .check(|| is("benches.open_async", State::Open)),
        tower::guarded_item().check(|| is(tower::CIRCUIT, State::Closed)),
        Item::new(Group::TimeWindow, |calls| succeeding(calls, time_window))
            .check(|| is("benches.time_window", State::Closed)),
        Item::new(Group::TimeWindowTenPercent, |calls| failing_each(10, calls, time_window))
            .check(|| is("benches.time_window", State::Closed)),
        Item::new(Group::SlowCall, |calls| succeeding(calls, slow_coarse))
            .variant("1 s")
            .check(|| is("benches.slow_coarse", State::Closed)),
        Item::new(Group::SlowCall, |calls| succeeding(calls, slow_precise))
            .variant("50 ms")
            .check(|| is("benches.slow_precise", State::Closed)),
        Item::new(Group::Keyed, |calls| each_host(calls, keyed)).check(|| {
            for host in HOSTS {
                is(&format!("benches.keyed/{host}"), State::Closed);
            }
        }),
        Item::new(Group::OwnKey, |calls| own_host(calls, keyed)),
    ]
}
