//! Calls of functions and of permits.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use breaker_runtime::{
    CallError, CircuitBreaker, Config, OnCancel, Rejected, State, circuit_breaker, registry,
};

use crate::allocates_nothing;

#[derive(Debug)]
enum Fault {
    Refused,
    Down,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it has nothing to wait for"),
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(black_box(Box::new(1)))).count_total, 1);
}

#[circuit_breaker(name = "allocations.sync")]
fn call(is_up: bool) -> Result<(), Fault> {
    if is_up { Ok(()) } else { Err(Fault::Down) }
}

#[test]
fn a_closed_call() {
    allocates_nothing(|| call(true).unwrap());
}

#[circuit_breaker(name = "allocations.failing", failure_threshold = 1000, window = 4)]
fn failing() -> Result<(), Fault> {
    Err(Fault::Down)
}

#[test]
fn a_failed_call_once_its_window_is_full() {
    (0..8).for_each(|_| drop(failing()));
    allocates_nothing(|| assert!(matches!(failing(), Err(Fault::Down))));
}

#[circuit_breaker(name = "allocations.path", failure_threshold = 1000, window = 4, fallback = answered)]
fn with_path(is_up: bool) -> Result<u8, Fault> {
    if is_up { Ok(1) } else { Err(Fault::Down) }
}

fn answered(is_up: bool) -> Result<u8, Fault> {
    if is_up { Err(Fault::Refused) } else { Ok(2) }
}

#[circuit_breaker(name = "allocations.path_async", failure_threshold = 1000, window = 4, fallback = answered_async)]
async fn with_path_async(is_up: bool) -> Result<u8, Fault> {
    if is_up { Ok(1) } else { Err(Fault::Down) }
}

#[expect(clippy::unused_async, reason = "the fallback of an async function is async")]
async fn answered_async(is_up: bool) -> Result<u8, Fault> {
    answered(is_up)
}

#[test]
fn a_call_with_a_fallback_by_path() {
    allocates_nothing(|| assert!(matches!(with_path(true), Ok(1))));
    (0..8).for_each(|_| drop(with_path(false)));
    allocates_nothing(|| assert!(matches!(with_path(false), Ok(2))));
    registry().get("allocations.path").unwrap().force_open();
    allocates_nothing(|| assert!(matches!(with_path(true), Err(Fault::Refused))));
}

#[test]
fn an_async_call_with_a_fallback_by_path() {
    allocates_nothing(|| assert!(matches!(ready(with_path_async(true)), Ok(1))));
    (0..8).for_each(|_| drop(ready(with_path_async(false))));
    allocates_nothing(|| assert!(matches!(ready(with_path_async(false)), Ok(2))));
    registry().get("allocations.path_async").unwrap().force_open();
    allocates_nothing(|| assert!(matches!(ready(with_path_async(true)), Err(Fault::Refused))));
}

#[circuit_breaker(name = "allocations.open", fallback_on = rejected, fallback = Ok(0))]
fn open() -> Result<u8, Fault> {
    Ok(1)
}

#[circuit_breaker(name = "allocations.open")]
fn open_without_fallback() -> Result<u8, Fault> {
    Ok(1)
}

#[test]
fn a_refused_call() {
    registry().get("allocations.open").unwrap().trip();
    allocates_nothing(|| assert!(matches!(open(), Ok(0))));
    allocates_nothing(|| assert!(matches!(open_without_fallback(), Err(Fault::Refused))));
}

#[circuit_breaker(
    name = "allocations.probes",
    half_open_max_calls = 1,
    success_threshold = 1_000_000,
    cooldown = "1ns"
)]
fn probe(depth: u8) -> Result<u8, Fault> {
    if depth == 0 { Ok(0) } else { probe(depth - 1).or(Ok(depth)) }
}

#[test]
fn a_probe_and_a_call_for_which_half_open_has_no_room() {
    let circuit = registry().get("allocations.probes").unwrap();
    circuit.trip();
    allocates_nothing(|| assert!(matches!(probe(0), Ok(0))));
    allocates_nothing(|| assert!(matches!(probe(1), Ok(1))));
    assert_eq!(circuit.state(), State::HalfOpen);
}

#[circuit_breaker(name = "allocations.window", failure_rate = 1.0, window = "1h")]
fn over_time(is_up: bool) -> Result<(), Fault> {
    if is_up { Ok(()) } else { Err(Fault::Down) }
}

#[test]
fn a_call_in_a_window_of_time() {
    allocates_nothing(|| over_time(true).unwrap());
    allocates_nothing(|| assert!(matches!(over_time(false), Err(Fault::Down))));
}

#[circuit_breaker(
    name = "allocations.slow",
    slow_call = "1ns",
    window = "1h",
    minimum_calls = 1_000_000
)]
fn slow() -> Option<u8> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_micros(1) {}
    Some(1)
}

#[test]
fn a_slow_call() {
    allocates_nothing(|| assert_eq!(slow(), Some(1)));
    let calls = registry().get("allocations.slow").unwrap().snapshot().calls;
    assert_eq!(calls.slow, calls.started);
}

#[circuit_breaker(name = "allocations.async", call_timeout = "1s")]
async fn call_async() -> Option<()> {
    Some(())
}

#[circuit_breaker(name = "allocations.untimed")]
async fn call_async_untimed(amount: u64) -> Option<u64> {
    Some(amount)
}

#[test]
fn an_async_call() {
    allocates_nothing(|| assert_eq!(ready(call_async_untimed(1)), Some(1)));
    registry().get("allocations.untimed").unwrap().force_open();
    allocates_nothing(|| assert_eq!(ready(call_async_untimed(1)), None));
}

#[test]
fn an_async_call_with_a_timeout() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _context = runtime.enter();
    allocates_nothing(|| assert_eq!(ready(call_async()), Some(())));
}

#[circuit_breaker(name = "allocations.keyed", key = host, fallback = |_| Err(Fault::Refused))]
fn keyed(host: &str, port: u16) -> Result<u16, Fault> {
    if host.is_empty() { Err(Fault::Down) } else { Ok(port) }
}

#[test]
fn a_call_with_a_known_key() {
    allocates_nothing(|| assert!(matches!(keyed("kiel", 80), Ok(80))));
    registry().get("allocations.keyed/kiel").unwrap().trip();
    allocates_nothing(|| assert!(matches!(keyed("kiel", 80), Err(Fault::Refused))));
}

#[test]
fn a_call_with_a_key_that_is_no_name() {
    allocates_nothing(|| assert!(matches!(keyed("a\nb", 80), Ok(80))));
}

#[circuit_breaker(name = "allocations.crowded", key = key, max_keys = 1)]
fn crowded(key: u32) -> Option<u32> {
    Some(key)
}

#[test]
fn a_call_with_a_key_for_which_there_is_no_room() {
    crowded(1);
    registry().get("allocations.crowded/1").unwrap().force_open();
    allocates_nothing(|| assert_eq!(crowded(2), Some(2)));
}

#[circuit_breaker(
    name = "allocations.narrow",
    max_concurrent = 1,
    max_wait = "1s",
    slow_call = "1h",
    window = "30s"
)]
fn narrow() -> Option<u8> {
    Some(1)
}

#[circuit_breaker(name = "allocations.narrow_async", max_concurrent = 1, max_wait = "1s")]
async fn narrow_async() -> Option<u8> {
    Some(1)
}

#[test]
fn a_call_that_finds_a_slot_of_its_bulkhead_and_is_timed() {
    allocates_nothing(|| assert_eq!(narrow(), Some(1)));
    allocates_nothing(|| assert_eq!(ready(narrow_async()), Some(1)));
}

#[circuit_breaker(name = "allocations.full", max_concurrent = 1)]
fn full(depth: u8) -> Option<u8> {
    if depth == 0 { Some(0) } else { full(depth - 1).or(Some(depth)) }
}

#[test]
fn a_call_that_its_bulkhead_refuses() {
    allocates_nothing(|| assert_eq!(full(1), Some(1)));
}

#[test]
fn a_call_by_hand() {
    let circuit = CircuitBreaker::new("by hand", Config::new()).unwrap();
    allocates_nothing(|| circuit.try_acquire().unwrap().success());
    allocates_nothing(|| circuit.acquire_blocking().unwrap().success());
    allocates_nothing(|| ready(circuit.acquire()).unwrap().success());
    allocates_nothing(|| circuit.call(|| Ok::<_, ()>(())).unwrap());
    circuit.force_open();
    let refused = || matches!(circuit.call(|| Err::<(), ()>(())), Err(CallError::Rejected(_)));
    allocates_nothing(|| assert!(refused()));
}

#[test]
fn a_call_by_hand_with_options() {
    let config = Config::new().failure_threshold(1000).count_window(4);
    let circuit = CircuitBreaker::new("with options", config).unwrap();
    let guard = || {
        let is_failure = |result: &Result<u16, Fault>| !matches!(result, Ok(..500));
        circuit.guard().failure_if(is_failure).ignore_if(|error| matches!(error, Fault::Refused))
    };
    let call = |answer: fn() -> Result<u16, Fault>| {
        allocates_nothing(|| drop(guard().call(answer)));
        allocates_nothing(|| drop(ready(guard().call_async(|| std::future::ready(answer())))));
    };
    call(|| Ok(200));
    call(|| Err(Fault::Refused));
    (0..8).for_each(|_| drop(guard().call(|| Err(Fault::Down))));
    call(|| Ok(503));
    circuit.force_open();
    call(|| Ok(200));
}

#[test]
fn an_async_call_by_hand_with_a_timeout() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _context = runtime.enter();
    let circuit = CircuitBreaker::new("in time", Config::new()).unwrap();
    let limit = Duration::from_secs(1);
    let guard = || circuit.guard().call_timeout(limit).on_cancel(OnCancel::FailureAfter(limit));
    allocates_nothing(|| ready(guard().call_async(|| async { Ok::<_, ()>(()) })).unwrap());
}
