//! Calls that nobody waits for any more: every one of them is counted once and holds nothing back.

mod common;

use std::cell::Cell;
use std::future::{self, Future};
use std::mem;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use breaker_runtime::{CallError, Config, State};
use common::{SECOND, assert_balanced, circuit, due, poll};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::{self, LocalSet};

/// A dependency that never answers.
async fn hang() -> Result<(), ()> {
    future::pending().await
}

/// Is pending that many times before it is ready.
struct Ready {
    after: u32,
}

impl Future for Ready {
    type Output = Result<(), ()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.after == 0 {
            return Poll::Ready(Ok(()));
        }
        self.after -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn c01_a_call_dropped_before_its_first_poll_never_was() {
    let (closed, _) = circuit(Config::new());
    let (due, _time) = due(Config::new());
    for circuit in [&closed, &due] {
        let before = circuit.snapshot();
        drop(circuit.call_async(|| async { unreachable!("nobody polls it") as Result<(), ()> }));
        let after = circuit.snapshot();
        assert_eq!((after.calls, after.rejected), (before.calls, before.rejected));
        assert_eq!((after.state, after.epoch), (before.state, before.epoch));
    }
}

#[test]
fn c01_a_refused_call_never_makes_its_future() {
    let (circuit, _) = circuit(Config::new());
    circuit.trip();
    let call = circuit.call_async(|| -> future::Ready<Result<(), ()>> { unreachable!("refused") });
    assert!(matches!(poll(pin!(call)), Poll::Ready(Err(CallError::Rejected(_)))));
}

#[test]
fn c02_a_call_dropped_while_it_waits_is_cancelled_and_neither_good_nor_bad() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    {
        let mut call = pin!(circuit.call_async(hang));
        assert!(poll(call.as_mut()).is_pending());
        assert_eq!(circuit.snapshot().in_flight, 1);
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (1, 0));
    assert_eq!((snapshot.calls.success, snapshot.calls.failure), (0, 0));
    assert_eq!((snapshot.state, snapshot.window_calls), (State::Closed, 0));
}

#[test]
fn c03_a_probe_dropped_while_it_waits_gives_back_its_slot_at_once() {
    let (circuit, _time) = due(Config::new().half_open_max_calls(1).success_threshold(1));
    {
        let mut probe = pin!(circuit.call_async(hang));
        assert!(poll(probe.as_mut()).is_pending());
        assert!(circuit.try_acquire().is_err());
    }
    assert_eq!((circuit.state(), circuit.snapshot().probes.in_flight), (State::HalfOpen, 0));
    circuit.try_acquire().unwrap().success();
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn d08_any_number_of_cancelled_probes_wears_out_no_slot() {
    let (circuit, _time) = due(Config::new().half_open_max_calls(3));
    for _ in 0..1_000 {
        let probes: Vec<_> = (0..3).map(|_| circuit.try_acquire().unwrap()).collect();
        assert!(circuit.try_acquire().is_err());
        drop(probes);
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.calls.cancelled), (State::HalfOpen, 3_000));
    assert_balanced(&snapshot, 4_000);
}

#[test]
fn c04_a_call_dropped_after_any_number_of_polls_is_counted_once() {
    const PENDING: u32 = 5;
    for polls in 0..=PENDING + 1 {
        let (circuit, _) = circuit(Config::new());
        {
            let mut call = pin!(circuit.call_async(|| Ready { after: PENDING }));
            for _ in 0..polls {
                let _ = poll(call.as_mut());
            }
        }
        let snapshot = circuit.snapshot();
        assert_balanced(&snapshot, u64::from(polls > 0));
        assert_eq!(snapshot.in_flight, 0);
        assert_eq!(snapshot.calls.success, u64::from(polls > PENDING), "after {polls} polls");
    }
}

#[test]
fn c04_the_outcome_is_recorded_in_the_poll_that_returns_it() {
    let (circuit, _) = circuit(Config::new());
    let mut call = pin!(circuit.call_async(|| Ready { after: 1 }));
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!(poll(call.as_mut()), Poll::Ready(Ok(())));
    assert_eq!((circuit.snapshot().calls.success, circuit.snapshot().in_flight), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn c05_losers_of_a_select_and_timeouts_leave_nothing_behind() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    for _ in 0..500 {
        tokio::select! {
            biased;
            _ = circuit.call_async(hang) => unreachable!("it hangs"),
            () = future::ready(()) => {}
        }
        let timed = tokio::time::timeout(Duration::from_secs(1), circuit.call_async(hang));
        assert!(timed.await.is_err());
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (1_000, 0));
    assert_eq!(snapshot.state, State::Closed);
}

#[tokio::test]
async fn c05_aborted_tasks_leave_nothing_behind() {
    let circuit = Arc::new(circuit(Config::new()).0);
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let circuit = Arc::clone(&circuit);
            tokio::spawn(async move { circuit.call_async(hang).await })
        })
        .collect();
    while circuit.snapshot().in_flight < 1_000 {
        task::yield_now().await;
    }
    for task in tasks {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (1_000, 0));
}

#[test]
fn c06_calls_in_flight_end_with_their_runtime() {
    const CALLS: u64 = 50;
    let circuit = Arc::new(circuit(Config::new()).0);
    let runtime = Runtime::new().unwrap();
    for _ in 0..CALLS {
        let circuit = Arc::clone(&circuit);
        runtime.spawn(async move { circuit.call_async(hang).await });
    }
    runtime.block_on(async {
        while circuit.snapshot().in_flight < CALLS {
            task::yield_now().await;
        }
    });
    drop(runtime);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (CALLS, 0));
}

#[test]
fn c07_a_probe_that_is_kept_and_never_polled_again_loses_its_slot_at_its_deadline() {
    let config = Config::new().half_open_max_calls(1).half_open_failure_threshold(2);
    let (circuit, time) = due(config.probe_timeout(SECOND));
    let mut kept = Box::pin(circuit.call_async(hang));
    assert!(poll(kept.as_mut()).is_pending());
    assert!(circuit.try_acquire().is_err());
    time.advance(SECOND);
    assert!(circuit.try_acquire().is_ok());
    drop(kept);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.late, snapshot.calls.cancelled), (1, 2));
    assert_eq!((snapshot.probes.lost, snapshot.probes.failures), (1, 1));
}

#[test]
fn c07_a_leaked_probe_does_not_wedge_the_circuit() {
    let (circuit, time) = due(Config::new().half_open_max_calls(1).probe_timeout(SECOND));
    mem::forget(circuit.try_acquire().unwrap());
    time.advance(SECOND);
    assert!(circuit.try_acquire().is_err(), "the lost probe opened it again");
    time.advance(SECOND * 60);
    assert!(circuit.try_acquire().is_ok());
}

#[test]
fn c08_a_call_that_is_aborted_while_it_ends_has_one_outcome() {
    const CALLS: u64 = 2_000;
    let circuit = Arc::new(circuit(Config::new()).0);
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        for _ in 0..CALLS {
            let circuit = Arc::clone(&circuit);
            let (began, begins) = oneshot::channel();
            let call = async move {
                let began = || began.send(()).unwrap();
                circuit.call_async(|| (began(), Ready { after: 1 }).1).await
            };
            let task = tokio::spawn(call);
            begins.await.unwrap();
            task.abort();
            let _ = task.await;
        }
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.started, snapshot.in_flight), (CALLS, 0));
    assert_eq!(snapshot.calls.success + snapshot.calls.cancelled, CALLS);
}

#[test]
fn c09_work_that_outlives_its_cancelled_call_is_not_counted_again() {
    let circuit = circuit(Config::new()).0;
    let runtime = Runtime::new().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let (done, is_done) = mpsc::channel();
    {
        let _entered = runtime.enter();
        let mut call = pin!(circuit.call_async(|| async {
            let work = task::spawn_blocking(move || {
                released.recv().unwrap();
                done.send(()).unwrap();
            });
            work.await.map_err(drop)
        }));
        assert!(poll(call.as_mut()).is_pending());
    }
    release.send(()).unwrap();
    is_done.recv().unwrap();
    drop(runtime);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.started, snapshot.calls.cancelled), (1, 1));
    assert_balanced(&snapshot, 1);
}

#[test]
fn c10_a_call_can_cross_threads_when_its_body_can() {
    fn crosses_threads(_: &impl Send) {}
    let circuit = circuit(Config::new()).0;
    crosses_threads(&circuit.call_async(|| async { Ok::<_, ()>(Arc::new(1)) }));
    crosses_threads(&circuit.try_acquire());
}

#[tokio::test]
async fn c10_a_body_that_cannot_cross_threads_runs_on_its_own() {
    let circuit = circuit(Config::new()).0;
    let counted = Rc::new(Cell::new(0));
    let local = LocalSet::new();
    let answer = local.run_until(circuit.call_async(|| async {
        let counted = Rc::clone(&counted);
        task::yield_now().await;
        counted.set(counted.get() + 1);
        Ok::<_, ()>(counted.get())
    }));
    assert_eq!(answer.await, Ok(1));
}

#[test]
fn r03_a_call_dropped_late_is_slow_and_one_dropped_in_time_is_not() {
    let (circuit, time) = circuit(Config::new().slow_call(SECOND));
    for (waited, slow) in [(SECOND, 0), (SECOND * 2, 1)] {
        let mut call = Box::pin(circuit.call_async(hang));
        assert!(poll(call.as_mut()).is_pending());
        time.advance(waited);
        drop(call);
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.calls.slow, u64::from(snapshot.window_calls)), (slow, slow));
    }
    assert_eq!(circuit.snapshot().calls.cancelled, 2);
}

#[test]
fn r11_a_probe_dropped_late_is_a_failed_probe() {
    let (circuit, time) = due(Config::new().slow_call(SECOND).half_open_failure_threshold(1));
    let mut probe = Box::pin(circuit.call_async(hang));
    assert!(poll(probe.as_mut()).is_pending());
    time.advance(SECOND * 2);
    drop(probe);
    assert_eq!((circuit.state(), circuit.snapshot().calls.cancelled), (State::Open, 1));
}

#[test]
fn r05_a_call_is_timed_from_its_first_poll_on() {
    let (circuit, time) = circuit(Config::new().slow_call(SECOND));
    let mut call = pin!(circuit.call_async(|| Ready { after: 0 }));
    time.advance(SECOND * 9);
    assert_eq!(poll(call.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(circuit.snapshot().calls.slow, 0);
}

#[test]
fn r10_a_call_that_is_cancelled_after_a_reset_is_late() {
    let (circuit, _) = circuit(Config::new());
    let mut call = Box::pin(circuit.call_async(hang));
    assert!(poll(call.as_mut()).is_pending());
    circuit.reset();
    drop(call);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.late, snapshot.calls.cancelled, snapshot.in_flight), (1, 1, 0));
}

/// `on_cancel = failure_after(..)`: by time, a hang is told from a caller that only changed its mind.
mod failure_after {
    use breaker_runtime::{Snapshot, circuit_breaker, registry};
    use common::NANO;
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(80);
    const MILLI: Duration = Duration::from_millis(1);

    #[track_caller]
    fn snapshot(name: &str) -> Snapshot {
        registry().get(name).expect("it is annotated").snapshot()
    }

    /// How many failed and how many were cancelled.
    #[track_caller]
    fn ends(name: &str) -> (u64, u64) {
        let calls = snapshot(name).calls;
        (calls.failure, calls.cancelled)
    }

    /// Begins a call, lets it run, and drops it.
    async fn drop_after(ran: Duration, call: impl Future) {
        let mut call = Box::pin(call);
        assert!(poll(call.as_mut()).is_pending());
        advance(ran).await;
        drop(call);
    }

    #[circuit_breaker(name = "failure_after.text", on_cancel = failure_after("80ms"))]
    async fn hangs() -> Option<()> {
        future::pending().await
    }

    #[circuit_breaker(name = "failure_after.constant", on_cancel = failure_after(PATIENCE))]
    async fn hangs_by_a_constant(_: &str) -> Option<()> {
        future::pending().await
    }

    #[circuit_breaker(name = "failure_after.future", on_cancel = failure_after("80ms"))]
    fn hangs_in_a_future() -> impl Future<Output = Option<()>> {
        future::pending()
    }

    #[circuit_breaker(name = "failure_after.boxed", on_cancel = failure_after("80ms"))]
    fn hangs_in_a_box() -> Pin<Box<dyn Future<Output = Option<()>> + Send>> {
        Box::pin(future::pending())
    }

    #[circuit_breaker(name = "failure_after.endless", on_cancel = failure_after("80ms"), fallback = panic!("refused"))]
    async fn hangs_forever() -> ! {
        future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn r29_a_future_dropped_after_running_longer_is_a_failure_and_one_dropped_earlier_is_nothing()
     {
        for (ran, failed) in [(Duration::ZERO, 0), (PATIENCE, 0), (PATIENCE + NANO, 1)] {
            let before = ends("failure_after.text");
            drop_after(ran, hangs()).await;
            drop_after(ran, hangs_by_a_constant("unused")).await;
            drop_after(ran, hangs_in_a_future()).await;
            drop_after(ran, hangs_in_a_box()).await;
            drop_after(ran, hangs_forever()).await;
            let after = (before.0 + failed, before.1 + 1 - failed);
            for form in ["text", "constant", "future", "boxed", "endless"] {
                assert_eq!(ends(&format!("failure_after.{form}")), after, "{form}, {ran:?}");
            }
        }
    }

    #[circuit_breaker(name = "failure_after.hang", failure_threshold = 3, on_cancel = failure_after("80ms"))]
    async fn dependency() -> Option<()> {
        future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn r29_impatient_callers_open_the_circuit_of_a_dependency_that_hangs() {
        for _ in 0..100 {
            assert!(timeout(PATIENCE, dependency()).await.is_err());
        }
        assert_eq!(snapshot("failure_after.hang").state, State::Closed);
        for _ in 0..3 {
            assert!(timeout(PATIENCE + MILLI, dependency()).await.is_err());
        }
        assert_eq!(snapshot("failure_after.hang").state, State::Open);
        assert_eq!(timeout(PATIENCE, dependency()).await, Ok(None), "refused at once");
    }

    #[circuit_breaker(name = "failure_after.ends", on_cancel = failure_after("80ms"))]
    async fn ends_after(time: Duration) -> Option<()> {
        sleep(time).await;
        Some(())
    }

    #[tokio::test(start_paused = true)]
    async fn r29_a_call_that_runs_longer_and_ends_counts_by_how_it_ended() {
        assert_eq!(ends_after(SECOND).await, Some(()));
        drop(ends_after(SECOND));
        let calls = snapshot("failure_after.ends").calls;
        assert_eq!((calls.started, calls.success), (1, 1));
    }

    #[circuit_breaker(
        name = "failure_after.place",
        max_concurrent = 1,
        max_wait = "10s",
        on_cancel = failure_after("80ms")
    )]
    async fn one_at_a_time() -> Option<()> {
        future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn r29_the_time_begins_after_the_wait_for_a_place() {
        for (ran, end) in [(PATIENCE, (1, 1)), (PATIENCE + NANO, (3, 1))] {
            let mut first = Box::pin(one_at_a_time());
            let mut second = Box::pin(one_at_a_time());
            assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
            advance(SECOND).await;
            drop(first);
            assert!(poll(second.as_mut()).is_pending());
            assert_eq!(snapshot("failure_after.place").in_flight, 1);
            advance(ran).await;
            drop(second);
            assert_eq!(ends("failure_after.place"), end);
        }
    }

    #[circuit_breaker(name = "failure_after.probe", on_cancel = failure_after("80ms"))]
    async fn probe() -> Option<()> {
        future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn r29_a_probe_dropped_after_running_longer_has_failed() {
        registry().get("failure_after.probe").unwrap().trip();
        advance(SECOND * 60).await;
        drop_after(PATIENCE, probe()).await;
        assert_eq!(snapshot("failure_after.probe").state, State::HalfOpen);
        drop_after(PATIENCE + NANO, probe()).await;
        let circuit = snapshot("failure_after.probe");
        assert_eq!((circuit.state, circuit.probes.failures), (State::Open, 1));
    }

    #[circuit_breaker(
        name = "failure_after.slow",
        slow_call = "1s",
        slow_call_rate = 1.0,
        on_cancel = failure_after("2s")
    )]
    async fn slow() -> Option<()> {
        future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn r29_a_future_dropped_late_is_slow_whether_it_failed_or_not() {
        for (seconds, slow_calls, end) in [(1, 0, (0, 1)), (2, 1, (0, 2)), (3, 2, (1, 2))] {
            drop_after(SECOND * seconds, slow()).await;
            assert_eq!(snapshot("failure_after.slow").calls.slow, slow_calls);
            assert_eq!(ends("failure_after.slow"), end);
        }
    }

    #[circuit_breaker(
        name = "failure_after.limited",
        call_timeout = "1s",
        on_cancel = failure_after("80ms")
    )]
    async fn limited() -> Option<()> {
        future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn r29_a_call_that_timed_out_is_one_failure_and_a_dropped_one_has_not_timed_out() {
        assert_eq!(limited().await, None);
        drop_after(PATIENCE + NANO, limited()).await;
        drop_after(PATIENCE, limited()).await;
        let calls = snapshot("failure_after.limited").calls;
        assert_eq!((calls.failure, calls.cancelled, calls.timed_out), (2, 1, 1));
    }

    #[circuit_breaker(name = "failure_after.keys", key = host, on_cancel = failure_after("80ms"))]
    async fn of_a_key(host: &str) -> Option<()> {
        let _ = host;
        future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn r29_the_circuit_of_the_key_has_the_failure() {
        drop_after(PATIENCE + NANO, of_a_key("a")).await;
        drop_after(PATIENCE, of_a_key("b")).await;
        assert_eq!(ends("failure_after.keys/a"), (1, 0));
        assert_eq!(ends("failure_after.keys/b"), (0, 1));
    }
}
