//! The functions that the storms call: together they have every option that changes a call's way.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use breaker_runtime::{CallError, Rejected, RejectedReason, TimedOut, circuit_breaker};
use tokio::task::yield_now;

use crate::common::panic_quietly;
use crate::load::Lots;

#[derive(Debug, PartialEq)]
pub(crate) enum Fault {
    Refused(RejectedReason),
    TimedOut,
    Down,
    Absent,
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected.reason())
    }
}

impl From<TimedOut> for Fault {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

impl From<CallError<Self>> for Fault {
    fn from(error: CallError<Self>) -> Self {
        match error {
            CallError::Rejected(rejected) => rejected.into(),
            CallError::TimedOut(timed_out) => timed_out.into(),
            CallError::Failed(fault) => fault,
        }
    }
}

impl Fault {
    fn is_absence(&self) -> bool {
        *self == Self::Absent
    }
}

pub(crate) type Answer = Result<(), Fault>;

#[derive(Clone, Copy, Debug)]
enum End {
    Success,
    Failure,
    Absence,
    Panic,
    /// Never, unless a timeout or the caller ends it.
    None,
}

/// What a body does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    yields: u64,
    end: End,
}

impl Plan {
    pub(crate) fn draw(lots: &mut Lots) -> Self {
        let end = match lots.draw(100) {
            0..70 => End::Success,
            70..88 => End::Failure,
            88..94 => End::Absence,
            _ => End::Panic,
        };
        Self { yields: if lots.one_in(2) { 0 } else { lots.draw(4) }, end }
    }

    /// A body that somebody else must end.
    pub(crate) fn hang() -> Self {
        Self { yields: 0, end: End::None }
    }

    pub(crate) fn run(self) -> Answer {
        match self.end {
            End::Success | End::None => Ok(()),
            End::Failure => Err(Fault::Down),
            End::Absence => Err(Fault::Absent),
            End::Panic => panic_quietly("a body panics"),
        }
    }

    pub(crate) async fn run_async(self, entered: &AtomicBool) -> Answer {
        entered.store(true, Ordering::Relaxed);
        for _ in 0..self.yields {
            yield_now().await;
        }
        if let End::None = self.end {
            pending::<()>().await;
        }
        self.run()
    }
}

#[circuit_breaker(
    name = "storms.sync",
    failure_threshold = 3,
    cooldown = "50us",
    ignore_if = Fault::is_absence
)]
pub(crate) fn sync(plan: Plan) -> Answer {
    plan.run()
}

#[circuit_breaker(
    name = "storms.async",
    failure_rate = 0.5,
    window = 32,
    minimum_calls = 8,
    cooldown = "50us",
    cooldown_multiplier = 2,
    cooldown_max = "1ms",
    cooldown_jitter = 0.3,
    on_cancel = failure,
    ignore_if = Fault::is_absence,
    fallback = |error| Err(error.into())
)]
pub(crate) async fn asynchronous(plan: Plan, entered: &AtomicBool) -> Answer {
    plan.run_async(entered).await
}

pub(crate) const SLOTS: u64 = 8;

/// How many bodies are inside at once, and how many have been at most.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    now: AtomicU64,
    most: AtomicU64,
}

impl Gauge {
    fn enter(&self) -> Inside<'_> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Inside(self)
    }

    pub(crate) fn most(&self) -> u64 {
        self.most.load(Ordering::SeqCst)
    }
}

struct Inside<'a>(&'a Gauge);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[circuit_breaker(
    name = "storms.bulkhead",
    max_concurrent = 8,
    max_wait = "2ms",
    call_timeout = "1ms",
    failure_threshold = 6,
    cooldown = "50us",
    ignore_if = Fault::is_absence
)]
pub(crate) async fn bulkhead(plan: Plan, entered: &AtomicBool, gauge: &Gauge) -> Answer {
    let _inside = gauge.enter();
    plan.run_async(entered).await
}

/// Waits in line with its thread.
#[circuit_breaker(
    name = "storms.blocking",
    max_concurrent = 4,
    max_wait = "50us",
    failure_threshold = 4,
    cooldown = "50us",
    ignore_if = Fault::is_absence
)]
pub(crate) fn blocking(plan: Plan, gauge: &Gauge) -> Answer {
    let _inside = gauge.enter();
    std::thread::yield_now();
    plan.run()
}

pub(crate) const KEYS: u64 = 12;

#[circuit_breaker(
    name = "storms.keyed",
    key = key,
    max_keys = 4,
    max_concurrent = 6,
    failure_threshold = 3,
    cooldown = "50us",
    ignore_if = Fault::is_absence
)]
pub(crate) async fn keyed(key: u64, plan: Plan, entered: &AtomicBool) -> Answer {
    let _ = key;
    plan.run_async(entered).await
}

#[circuit_breaker(
    name = "storms.window",
    window = "50ms",
    failure_rate = 0.3,
    minimum_calls = 20,
    cooldown = "50us",
    ignore_if = Fault::is_absence
)]
pub(crate) fn windowed(plan: Plan) -> Answer {
    plan.run()
}

#[circuit_breaker(name = "storms.window", ignore_if = Fault::is_absence)]
pub(crate) async fn windowed_async(plan: Plan, entered: &AtomicBool) -> Answer {
    plan.run_async(entered).await
}

#[circuit_breaker(
    name = "storms.slow",
    failure_threshold = 5,
    slow_call = "100us",
    slow_call_rate = 0.4,
    call_timeout = "1ms",
    probe_timeout = "500us",
    cooldown = "50us",
    ignore_if = Fault::is_absence,
    fallback = |error| Err(error.into())
)]
pub(crate) async fn slow(plan: Plan, entered: &AtomicBool) -> Answer {
    plan.run_async(entered).await
}
