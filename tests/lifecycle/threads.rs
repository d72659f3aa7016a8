//! Threads that end: their destructors may call guarded functions, whichever parts of the thread are gone already
//! (G09).

use std::cell::RefCell;
use std::thread;
use std::time::Duration;

use breaker_runtime::{Config, EventKind, State, Subscription, circuit_breaker, registry};

use crate::process::run_test;

#[circuit_breaker(name = "ending.plain", failure_threshold = 2)]
fn plain(works: bool) -> Option<()> {
    works.then_some(())
}

#[circuit_breaker(name = "ending.timed", window = "30s", slow_call = "1ms", max_concurrent = 2)]
fn timed(works: bool) -> Option<()> {
    works.then_some(())
}

#[circuit_breaker(name = "ending.queued", max_concurrent = 1, max_wait = "1ms")]
fn queued(works: bool) -> Option<()> {
    if works { queued(false).or(Some(())) } else { None }
}

#[circuit_breaker(name = "ending.keyed", key = key, max_keys = 2)]
fn keyed(key: u32) -> Option<u32> {
    Some(key)
}

#[circuit_breaker(name = "ending.async", call_timeout = "1h")]
async fn asynchronous() -> Option<()> {
    std::future::pending().await
}

/// Everything that a call can do to a circuit.
fn use_everything() {
    assert_eq!((plain(true), plain(false)), (Some(()), None));
    assert_eq!((timed(true), timed(false)), (Some(()), None));
    assert_eq!(queued(true), Some(()), "the one inside waits in vain");
    (0..4).for_each(|key| assert_eq!(keyed(key), Some(key)));

    let config = Config::new().failure_threshold(1).cooldown(Duration::from_nanos(1));
    let made = registry().get_or_create("ending.made", config).unwrap();
    assert!(made.call(|| Err::<(), _>(())).is_err());
    while made.state() != State::Closed {
        let _ = made.call(|| Ok::<_, ()>(()));
    }
    made.trip();
    made.reset();
    assert!(!registry().snapshot().to_string().is_empty());
    drop(registry().subscribe(|_| {}));
}

/// Uses everything when the thread takes it down.
#[derive(Default)]
struct Goodbye {
    _subscription: Option<Subscription>,
}

impl Drop for Goodbye {
    fn drop(&mut self) {
        use_everything();
    }
}

thread_local! {
    static FIRST: RefCell<Option<Goodbye>> = const { RefCell::new(None) };
    static SECOND: RefCell<Option<Goodbye>> = const { RefCell::new(None) };
}

/// Destructors of a thread run in the order in which they were registered, or in the reverse. One way or the
/// other, one of these two runs after all that circuits keep for the thread is gone.
fn live_and_end() {
    FIRST.set(Some(Goodbye::default()));
    use_everything();
    let subscription = registry().subscribe(|event| {
        if let EventKind::Transition(_) = event.kind {
            let _ = registry().get(&event.name).map(|circuit| circuit.snapshot());
        }
    });
    SECOND.set(Some(Goodbye { _subscription: Some(subscription) }));
}

#[test]
#[ignore = "run by the test of its name, in a process of its own"]
fn g09_paused_child() {
    let mut paused = tokio::runtime::Builder::new_current_thread();
    drop(paused.enable_time().start_paused(true).build().unwrap());
    g09_child();
}

#[test]
fn g09_everything_may_be_used_while_a_thread_takes_itself_down_after_time_was_paused_once() {
    run_test("threads::g09_paused_child").assert_success();
}

#[test]
#[ignore = "run by the test of its name, in a process of its own"]
fn g09_child() {
    const THREADS: u64 = 4;
    for _ in 0..THREADS {
        thread::spawn(live_and_end).join().expect("nothing panics");
    }
    let snapshot = registry().get("ending.plain").unwrap().snapshot();
    assert_eq!((snapshot.calls.success, snapshot.calls.failure), (3 * THREADS, 3 * THREADS));
    for circuit in registry().snapshot().circuits {
        assert_eq!(circuit.in_flight, 0, "{circuit:?}");
    }
}

#[test]
fn g09_everything_may_be_used_while_a_thread_takes_itself_down() {
    run_test("threads::g09_child").assert_success();
}

#[test]
#[ignore = "run by the test of its name, in a process of its own"]
fn g09_future_child() {
    thread_local! {
        static KEPT: RefCell<Option<Box<dyn std::any::Any>>> = const { RefCell::new(None) };
    }
    thread::spawn(|| {
        KEPT.set(Some(Box::new(())));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut call = Box::pin(asynchronous());
        runtime.block_on(async {
            std::future::poll_fn(|context| {
                assert!(call.as_mut().poll(context).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
        });
        KEPT.set(Some(Box::new((call, runtime))));
    })
    .join()
    .expect("nothing panics");
    let snapshot = registry().get("ending.async").unwrap().snapshot();
    assert_eq!((snapshot.calls.cancelled, snapshot.in_flight), (1, 0));
}

#[test]
fn g09_a_call_that_a_thread_keeps_until_its_end_is_cancelled_then() {
    run_test("threads::g09_future_child").assert_success();
}

#[test]
fn g11_threads_that_are_never_joined_leave_their_counts() {
    const THREADS: u64 = 50;
    let circuit = registry().get_or_create("ending.detached", Config::new()).unwrap();
    let (done, is_done) = std::sync::mpsc::channel();
    for _ in 0..THREADS {
        let (circuit, done) = (circuit.clone(), done.clone());
        drop(thread::spawn(move || {
            (0..100).for_each(|_| circuit.try_acquire().unwrap().success());
            drop(circuit);
            done.send(()).unwrap();
        }));
    }
    is_done.iter().take(usize::try_from(THREADS).unwrap()).for_each(drop);
    assert_eq!(circuit.snapshot().calls.success, 100 * THREADS);
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by the test of its name, in a process of its own"]
fn x04_child() {
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    use_everything();
    registry().get("ending.timed").unwrap().trip();
    assert_eq!(threads(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn x04_no_thread_is_started() {
    run_test("threads::x04_child").assert_success();
}
