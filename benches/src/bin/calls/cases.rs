//! The ways of a call that are measured, each with a bare twin that does the same work.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::Duration;

use breaker_benches::{Fault, bare, guarded};
use breaker_runtime::{circuit_breaker, registry};

use crate::fleet;

/// One way of a call.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(u32),
}

/// Every case by name.
pub(crate) const CASES: [Case; 20] = [
    Case { name: "bare", run: |calls| repeat(calls, |_| bare(black_box(false))) },
    Case { name: "bare-async", run: |calls| repeat(calls, |_| ready(bare_async(false))) },
    Case { name: "bare-one-in-ten", run: |calls| repeat(calls, |call| bare(one_in_ten(call))) },
    Case { name: "closed", run: repeat_closed },
    Case { name: "closed-async", run: |calls| repeat(calls, |_| ready(guarded_async(false))) },
    Case { name: "open", run: repeat_refused },
    Case { name: "open-heard", run: repeat_heard },
    Case { name: "closed-fleet", run: |calls| fleet::connected(|| repeat_closed(calls)) },
    Case { name: "closed-fleet-away", run: |calls| fleet::away(|| repeat_closed(calls)) },
    Case { name: "open-fleet", run: |calls| fleet::opened("calls.open", || repeat_open(calls)) },
    Case { name: "open-fleet-away", run: |calls| fleet::away(|| repeat_refused(calls)) },
    Case { name: "open-for", run: |calls| repeat(calls, |_| asking(black_box(false))) },
    Case { name: "fallback-closure", run: |calls| repeat(calls, |_| closure(black_box(false))) },
    Case { name: "fallback-path", run: |calls| repeat(calls, |_| path(black_box(false))) },
    Case { name: "time-window", run: |calls| repeat(calls, |_| time_window(black_box(false))) },
    Case { name: "slow-call", run: |calls| repeat(calls, |_| slow_call(black_box(false))) },
    Case { name: "hung-after", run: |calls| repeat(calls, |_| watched(black_box(false))) },
    Case { name: "one-in-ten-fails", run: |calls| repeat(calls, |call| guarded(one_in_ten(call))) },
    Case { name: "probe", run: repeat_probes },
    Case { name: "known-key", run: |calls| repeat(calls, |_| keyed("kiel", black_box(false))) },
];

fn repeat<T>(calls: u32, call: impl Fn(u32) -> T) {
    for number in 0..calls {
        black_box(call(number));
    }
}

fn repeat_closed(calls: u32) {
    repeat(calls, |_| guarded(black_box(false)));
}

fn repeat_refused(calls: u32) {
    registry().get("calls.open").expect("it is annotated").trip();
    repeat_open(calls);
}

fn repeat_open(calls: u32) {
    repeat(calls, |_| open(black_box(false)));
}

fn repeat_heard(calls: u32) {
    static TOLD: AtomicU64 = AtomicU64::new(0);
    let _listening = registry().subscribe(|event| {
        TOLD.fetch_add(1 + event.missed, Ordering::Relaxed);
    });
    repeat_refused(calls);
}

fn repeat_probes(calls: u32) {
    registry().get("calls.probed").expect("it is annotated").trip();
    sleep(Duration::from_millis(150));
    repeat(calls, |_| probed(black_box(false)).expect("it is a probe"));
}

fn one_in_ten(call: u32) -> bool {
    black_box(call).is_multiple_of(10)
}

/// The output of a future that has nothing to wait for.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("it waits for nothing"),
    }
}

#[expect(clippy::unused_async, reason = "it is the twin of one that is guarded")]
async fn bare_async(fails: bool) -> Result<u64, Fault> {
    bare(black_box(fails))
}

#[circuit_breaker(name = "calls.async", failure_rate = 0.5, window = 100, minimum_calls = 100)]
async fn guarded_async(fails: bool) -> Result<u64, Fault> {
    bare(black_box(fails))
}

#[circuit_breaker(name = "calls.open", cooldown = "1h")]
#[inline(never)]
fn open(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

#[circuit_breaker(name = "calls.closure", fallback = |_| Ok(0))]
#[inline(never)]
fn closure(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

#[circuit_breaker(name = "calls.path", fallback = answered)]
#[inline(never)]
fn path(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

#[expect(clippy::unnecessary_wraps, reason = "a fallback returns what the function returns")]
fn answered(fails: bool) -> Result<u64, Fault> {
    Ok(u64::from(fails))
}

/// No bucket of this window ends while its calls are counted.
#[circuit_breaker(name = "calls.time", failure_rate = 0.5, window = "1h")]
#[inline(never)]
fn time_window(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

#[circuit_breaker(name = "calls.slow", slow_call = "1s")]
#[inline(never)]
fn slow_call(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

/// No slot of this circuit ends while its calls are counted.
#[circuit_breaker(name = "calls.watched", hung_after = "10h")]
#[inline(never)]
fn watched(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

/// For a circuit that stays half-open: no number of good probes that is measured closes it. Like most, it reads the coarse
/// clock: its cooldown is just long enough for that.
#[circuit_breaker(name = "calls.probed", cooldown = "100ms", success_threshold = 4_294_967_295)]
#[inline(never)]
fn probed(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

/// Whose errors are asked how long to stay away, if there are any.
#[circuit_breaker(name = "calls.asking", open_for = |fault| asks(*fault))]
#[inline(never)]
fn asking(fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}

fn asks(fault: Fault) -> Option<Duration> {
    matches!(fault, Fault::Down).then_some(Duration::from_secs(1))
}

#[circuit_breaker(name = "calls.keyed", key = key)]
#[inline(never)]
fn keyed(key: &str, fails: bool) -> Result<u64, Fault> {
    if fails { Err(Fault::Down) } else { Ok(1) }
}
