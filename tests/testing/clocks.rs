//! The clock of a test reaches all that annotated functions measure.

use std::future::pending;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    Clock, ManualClock, Mode, Override, State, circuit_breaker, registry, testing,
};

use super::{PriceError, down, message, price};
use crate::common::SECOND;

#[circuit_breaker(name = "clocks.timeout", call_timeout = "2s", failure_threshold = 2)]
async fn hangs() -> Result<u32, PriceError> {
    pending().await
}

#[circuit_breaker(name = "clocks.window", failure_rate = 0.5, window = "30s", minimum_calls = 2)]
fn in_a_window(up: bool) -> Option<()> {
    up.then_some(())
}

#[circuit_breaker(name = "clocks.full", max_concurrent = 1, max_wait = "5s")]
async fn full() -> Result<u32, PriceError> {
    pending().await
}

#[circuit_breaker(name = "clocks.full", fallback = |_| Ok(0))]
fn blocks() -> Result<u32, PriceError> {
    Ok(1)
}

#[circuit_breaker(name = "clocks.both", max_concurrent = 1, max_wait = "5s", call_timeout = "2s")]
async fn waits_and_hangs() -> Result<u32, PriceError> {
    pending().await
}

#[circuit_breaker(name = "clocks.dropped", on_cancel = failure_after("80ms"))]
async fn dropped() -> Option<()> {
    pending().await
}

#[circuit_breaker(name = "clocks.slow", slow_call = "10ms")]
fn slow(act: impl FnOnce()) -> Option<()> {
    act();
    Some(())
}

#[test]
fn time_stands_still_until_it_is_advanced() {
    let test = testing::isolate();
    test.apply("prices.cooldown=1ms");
    test.open("prices");
    thread::sleep(Duration::from_millis(5));
    assert!(price("apple").is_err());
    test.advance(Duration::from_millis(1));
    assert_eq!(price("apple"), Ok(99));
}

#[test]
fn windows_slow_calls_and_overrides_follow() {
    let test = testing::isolate();
    in_a_window(false);
    test.advance(SECOND * 60);
    in_a_window(true);
    assert_eq!(test.circuit("clocks.window").snapshot().window_calls, 1);

    slow(|| test.advance(Duration::from_millis(11)));
    slow(|| test.advance(Duration::from_millis(9)));
    assert_eq!(test.circuit("clocks.slow").snapshot().calls.slow, 1);

    let minute = Some(SECOND * 60);
    registry().override_for("prices", Override::Mode(Mode::ForcedOpen), minute, "me").unwrap();
    assert_eq!(test.circuit("prices").state(), State::ForcedOpen);
    test.advance(SECOND * 60);
    assert_eq!(price("apple"), Ok(99));
}

#[tokio::test]
async fn a_call_times_out_when_the_test_says_so() {
    let test = testing::isolate();
    let call = tokio::spawn(test.handle().wrap(hangs()));
    tokio::task::yield_now().await;
    test.advance(Duration::from_nanos(1_999_999_999));
    tokio::task::yield_now().await;
    assert!(!call.is_finished());
    test.advance(Duration::from_nanos(1));
    assert_eq!(call.await.unwrap(), Err(PriceError::Late));
    assert_eq!(test.circuit("clocks.timeout").snapshot().calls.timed_out, 1);
}

#[test]
fn a_call_times_out_on_the_clock_of_its_circuit() {
    let outer = testing::isolate();
    let circuit = outer.circuit("clocks.both");
    let slot = circuit.try_acquire().unwrap();
    let mut call = std::pin::pin!(waits_and_hangs());
    assert!(crate::common::poll(call.as_mut()).is_pending());
    drop(slot);
    let inner = testing::isolate();
    assert!(crate::common::poll(call.as_mut()).is_pending(), "its body has begun");
    drop(inner);
    outer.advance(SECOND * 2);
    assert!(crate::common::poll(call.as_mut()).is_ready());
}

/// No runtime: a sync helper with an executor of its own.
#[test]
fn a_call_in_a_sync_helper_times_out_too() {
    let test = testing::isolate();
    let handle = test.handle();
    let (told, heard) = mpsc::channel();
    let call = thread::spawn(move || {
        let _entered = handle.enter();
        let mut call = std::pin::pin!(hangs());
        assert!(crate::common::poll(call.as_mut()).is_pending());
        told.send(()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(call)
    });
    heard.recv().unwrap();
    test.advance(SECOND * 2);
    assert_eq!(call.join().unwrap(), Err(PriceError::Late));
}

#[tokio::test]
async fn a_wait_for_a_slot_ends_when_the_test_says_so() {
    let test = testing::isolate();
    let first = tokio::spawn(test.handle().wrap(full()));
    tokio::task::yield_now().await;
    let second = tokio::spawn(test.handle().wrap(full()));
    tokio::task::yield_now().await;
    test.advance(SECOND * 4);
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    test.advance(SECOND);
    assert_eq!(second.await.unwrap(), Err(PriceError::Refused(None)));
    assert_eq!(test.circuit("clocks.full").snapshot().rejected.bulkhead_full, 1);
    first.abort();
}

#[test]
fn a_thread_that_waits_for_a_slot_goes_on_when_the_test_says_so() {
    let test = testing::isolate();
    let circuit = test.circuit("clocks.full");
    let wait = |ends: &dyn Fn()| {
        let handle = test.handle();
        let (told, heard) = mpsc::channel();
        let waiting = thread::spawn(move || {
            let _entered = handle.enter();
            told.send(()).unwrap();
            blocks()
        });
        heard.recv().unwrap();
        while !waiting.is_finished() {
            ends();
            thread::yield_now();
        }
        waiting.join().unwrap()
    };
    let slot = circuit.try_acquire().unwrap();
    assert_eq!(wait(&|| test.advance(SECOND)), Ok(0), "its time is over");
    let slot = std::cell::Cell::new(Some(slot));
    assert_eq!(wait(&|| drop(slot.take())), Ok(1), "it got the slot");
}

#[test]
fn a_dropped_future_fails_after_its_time() {
    let test = testing::isolate();
    for (ran, failures) in [(80, 0), (81, 1)] {
        let mut call = Box::pin(dropped());
        assert!(crate::common::poll(call.as_mut()).is_pending());
        test.advance(Duration::from_millis(ran));
        drop(call);
        assert_eq!(test.circuit("clocks.dropped").snapshot().calls.failure, failures);
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_may_follow_tokios_clock() {
    let test = testing::isolate_with(Clock::Tokio);
    test.open("prices");
    tokio::time::advance(SECOND * 9).await;
    assert_eq!(price("apple"), Err(PriceError::Refused(Some(SECOND))));
    tokio::time::advance(SECOND).await;
    assert_eq!(price("apple"), Ok(99));
    assert_eq!(hangs().await, Err(PriceError::Late), "tokio advances when all are idle");
    let said = message(|| test.advance(SECOND));
    assert!(said.contains("tokio::time::advance"), "{said}");
}

#[test]
fn a_test_may_run_on_the_systems_clock() {
    let test = testing::isolate_with(Clock::System);
    test.apply("prices.cooldown=1ms");
    test.open("prices");
    let began = std::time::Instant::now();
    while price("apple").is_err() && began.elapsed() < SECOND * 10 {
        thread::yield_now();
    }
    assert_eq!(test.transitions("prices"), "closed -> open -> half_open -> closed");
}

#[test]
fn a_clock_of_ones_own_drives_timers_too() {
    let time = ManualClock::new();
    let test = testing::isolate_with(Clock::Manual(time.clone()));
    let mut call = Box::pin(hangs());
    assert!(crate::common::poll(call.as_mut()).is_pending());
    time.advance(SECOND);
    test.advance(SECOND);
    assert!(crate::common::poll(call.as_mut()).is_ready());
    assert_eq!(price("pear"), down());
}
