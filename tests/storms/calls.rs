//! Calls of every kind that end in every way, counted exactly by callers and circuits (R19).

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, LazyLock};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::{
    CallError, Calls, CircuitBreaker, Clock, Config, ManualClock, State, registry,
};
use tokio::runtime::Builder;

use crate::alone;
use crate::common::{assert_balanced, circuit, panic_quietly};
use crate::guarded::{
    Answer, Fault, Gauge, KEYS, Plan, SLOTS, asynchronous, blocking, bulkhead, keyed, slow, sync,
    windowed, windowed_async,
};
use crate::ledger::{Ledger, Seen, assert_well, family};
use crate::load::{Lots, drill, scaled, seed};

const ANNOTATED: [&str; 6] = [
    "storms.sync",
    "storms.async",
    "storms.bulkhead",
    "storms.keyed",
    "storms.window",
    "storms.slow",
];
const BY_HAND: usize = ANNOTATED.len();

/// The ledgers of the annotated functions, and a circuit without one of those.
struct Scene {
    ledgers: [Ledger; BY_HAND + 1],
    gauge: Gauge,
    by_hand: CircuitBreaker,
    time: ManualClock,
}

impl Scene {
    fn new() -> Self {
        let time = ManualClock::new();
        let config = Config::new()
            .failure_threshold(3)
            .slow_call(Duration::from_millis(2))
            .max_concurrent(16)
            .cooldown(Duration::from_millis(1))
            .probe_timeout(Duration::from_millis(3));
        let clock = Clock::Manual(time.clone());
        let by_hand = CircuitBreaker::with_clock("by hand", config, clock).unwrap();
        Self { ledgers: Default::default(), gauge: Gauge::default(), by_hand, time }
    }

    fn enter(&self, circuit: usize, seen: Seen) {
        self.ledgers[circuit].enter(seen);
    }

    fn asked(&self) -> u64 {
        self.ledgers.iter().map(Ledger::asked).sum()
    }
}

fn seen(answer: &Answer) -> Seen {
    match answer {
        Ok(()) => Seen::Success,
        Err(Fault::Down) => Seen::Failed,
        Err(Fault::Absent) => Seen::Ignored,
        Err(Fault::TimedOut) => Seen::TimedOut,
        Err(Fault::Refused(reason)) => Seen::Refused(*reason),
    }
}

fn watch(call: impl FnOnce() -> Answer) -> Seen {
    catch_unwind(AssertUnwindSafe(call)).map_or(Seen::Panicked, |answer| seen(&answer))
}

/// Polls a call until it ends, or that many times.
async fn watch_async(
    call: impl Future<Output = Answer>,
    entered: &AtomicBool,
    patience: Option<u64>,
) -> Seen {
    let mut call = pin!(call);
    let mut polls = 0;
    poll_fn(|context| {
        polls += 1;
        match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context))) {
            Err(_) => Poll::Ready(Seen::Panicked),
            Ok(Poll::Ready(answer)) => Poll::Ready(seen(&answer)),
            Ok(Poll::Pending) if Some(polls) == patience => {
                let started = entered.load(Ordering::Relaxed);
                Poll::Ready(if started { Seen::Cancelled } else { Seen::NeverStarted })
            }
            Ok(Poll::Pending) => Poll::Pending,
        }
    })
    .await
}

/// One call, of a random kind.
async fn call(scene: &Scene, lots: &mut Lots) {
    let circuit = usize::try_from(lots.draw(BY_HAND as u64 + 1)).unwrap();
    if lots.one_in(100) {
        switch(scene, circuit, lots);
    }
    let has_timeout = matches!(ANNOTATED.get(circuit), Some(&("storms.bulkhead" | "storms.slow")));
    let (mut plan, mut patience) = (Plan::draw(lots), None);
    if lots.one_in(16) {
        patience = Some(1 + lots.draw(3));
    }
    if lots.one_in(24) {
        plan = Plan::hang();
        // Nobody wakes it, so it is the first poll that must be the last.
        patience = (!has_timeout).then_some(1);
    }
    let entered = &AtomicBool::new(false);
    let seen = match ANNOTATED.get(circuit) {
        Some(&"storms.sync") => watch(|| sync(plan)),
        Some(&"storms.async") => {
            match watch_async(asynchronous(plan, entered), entered, patience).await {
                Seen::Cancelled => Seen::Abandoned,
                seen => seen,
            }
        }
        Some(&"storms.bulkhead") => {
            watch_async(bulkhead(plan, entered, &scene.gauge), entered, patience).await
        }
        Some(&"storms.keyed") => {
            watch_async(keyed(lots.draw(KEYS), plan, entered), entered, patience).await
        }
        Some(&"storms.window") if lots.one_in(2) => watch(|| windowed(plan)),
        Some(&"storms.window") => {
            watch_async(windowed_async(plan, entered), entered, patience).await
        }
        Some(_) => watch_async(slow(plan, entered), entered, patience).await,
        None => call_by_hand(scene, lots, plan, entered, patience).await,
    };
    scene.enter(circuit, seen);
}

async fn call_by_hand(
    scene: &Scene,
    lots: &mut Lots,
    plan: Plan,
    entered: &AtomicBool,
    patience: Option<u64>,
) -> Seen {
    let (circuit, time) = (&scene.by_hand, &scene.time);
    time.advance(Duration::from_micros(lots.draw(300)));
    let answer = |error: CallError<Fault>| match error {
        // Circuits by hand ignore nothing of a call's.
        CallError::Failed(Fault::Absent) => Fault::Down,
        error => error.into(),
    };
    match lots.draw(3) {
        0 => watch(|| circuit.call(|| plan.run()).map_err(answer)),
        1 => {
            let call = circuit.call_async(|| plan.run_async(entered));
            watch_async(async { call.await.map_err(answer) }, entered, patience).await
        }
        _ => match circuit.try_acquire() {
            Err(rejected) => Seen::Refused(rejected.reason()),
            Ok(permit) => match lots.draw(10) {
                0..6 => {
                    tokio::task::yield_now().await;
                    permit.success();
                    Seen::Success
                }
                6 => {
                    permit.failure();
                    Seen::Failed
                }
                7 => {
                    permit.ignore();
                    Seen::Ignored
                }
                8 => {
                    drop(permit);
                    Seen::Cancelled
                }
                _ => watch(|| {
                    let _permit = permit;
                    panic_quietly("a panic drops the permit")
                }),
            },
        },
    }
}

/// The circuit is switched by hand.
fn switch(scene: &Scene, circuit: usize, lots: &mut Lots) {
    let name = ANNOTATED.get(circuit).copied();
    let keyed = format!("storms.keyed/{}", lots.draw(KEYS));
    let is_of_key = name == Some("storms.keyed") && lots.one_in(2);
    let found = name.and_then(|name| registry().get(if is_of_key { &keyed } else { name }));
    if is_of_key && found.is_none() {
        return;
    }
    let circuit = found.as_deref().unwrap_or(&scene.by_hand);
    match lots.draw(12) {
        0..2 => circuit.trip(),
        2 => circuit.force_open(),
        3 => circuit.disable(),
        _ => circuit.reset(),
    }
}

fn check(scene: &Scene) {
    for (name, ledger) in ANNOTATED.iter().zip(&scene.ledgers) {
        ledger.check(&family(name));
    }
    let by_hand = &scene.ledgers[BY_HAND];
    by_hand.check(&[scene.by_hand.snapshot()]);
    let most = scene.gauge.most();
    assert!((1..=SLOTS).contains(&most), "{most} calls were inside the bulkhead");

    assert_well(&scene.by_hand, by_hand, || scene.time.advance(Duration::from_secs(1)));
    for (name, ledger) in ANNOTATED.iter().zip(&scene.ledgers) {
        for circuit in family(name) {
            let circuit = registry().get(&circuit.name).expect("nobody evicts it now");
            assert_well(&circuit, ledger, || {});
        }
        ledger.check(&family(name));
    }
}

/// Looks at circuits in the middle of a storm: no call is seen to end before it began, or to be taken back.
fn look_on(scene: &Scene, is_over: &AtomicBool) -> u64 {
    let mut before = [Calls::default(); BY_HAND + 1];
    for looks in 1.. {
        for (circuit, before) in before.iter_mut().enumerate() {
            let annotated = ANNOTATED.get(circuit).and_then(|name| registry().get(name));
            let snapshot = annotated.as_deref().unwrap_or(&scene.by_hand).snapshot();
            let calls = snapshot.calls;
            let ended = calls.success + calls.failure + calls.ignored + calls.cancelled;
            assert_eq!(calls.started.checked_sub(ended), Some(snapshot.in_flight), "{snapshot:?}");
            assert!(snapshot.calls.started >= before.started && calls.success >= before.success);
            assert!(calls.failure >= before.failure && calls.cancelled >= before.cancelled);
            assert_eq!(snapshot.retry_after.is_some(), snapshot.state == State::Open);
            assert!(snapshot.state != State::Closed || snapshot.trip_reason.is_none());
            *before = calls;
        }
        if is_over.load(Ordering::Relaxed) {
            return looks;
        }
        thread::yield_now();
    }
    unreachable!("it is over some time")
}

/// The circuits of the registry go on counting, so all storms are one scene.
fn storm(tasks: u64, calls_of_each: u64) {
    static SCENE: LazyLock<Scene> = LazyLock::new(Scene::new);
    let _alone = alone();
    let seed = seed();
    let (began, before) = (Instant::now(), SCENE.asked());
    let is_over = Arc::new(AtomicBool::new(false));
    let watcher = thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || look_on(&SCENE, &is_over)
    });
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        let storm = |task| {
            tokio::spawn(async move {
                let mut lots = Lots::new(seed, task);
                for _ in 0..calls_of_each {
                    call(&SCENE, &mut lots).await;
                }
            })
        };
        let tasks: Vec<_> = (0..tasks).map(storm).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    drop(runtime);
    is_over.store(true, Ordering::Relaxed);
    let looks = watcher.join().expect("what it saw was right");
    println!(
        "{looks} looks at {} calls of {tasks} tasks in {:?}",
        SCENE.asked() - before,
        began.elapsed()
    );
    for (circuit, ledger) in ANNOTATED.iter().chain(&["by hand"]).zip(&SCENE.ledgers) {
        println!("{circuit}: {ledger}");
    }
    check(&SCENE);
}

#[test]
fn l01_calls_of_64_tasks_are_counted_exactly_and_leave_nothing_behind() {
    storm(64, scaled(250_000).div_ceil(64));
}

#[test]
fn l02_calls_of_8_tasks_are_counted_exactly_and_leave_nothing_behind() {
    storm(8, scaled(5_000).div_ceil(8));
}

#[test]
fn l02_calls_of_1000_tasks_are_counted_exactly_and_leave_nothing_behind() {
    storm(1_000, scaled(10));
}

#[test]
fn r19_callers_that_block_in_line_and_give_up_are_counted_exactly_and_leave_every_slot() {
    const THREADS: u64 = 16;
    let _alone = alone();
    let seed = seed();
    let (ledger, gauge) = (Ledger::default(), Gauge::default());
    let circuit = registry().get("storms.blocking").unwrap();
    drill(
        THREADS,
        scaled(20),
        |thread, round| {
            let mut lots = Lots::new(seed, round * THREADS + thread);
            for _ in 0..50 {
                let plan = Plan::draw(&mut lots);
                ledger.enter(watch(|| blocking(plan, &gauge)));
                if lots.one_in(50) {
                    [CircuitBreaker::trip, CircuitBreaker::reset][usize::from(lots.one_in(2))](
                        &circuit,
                    );
                }
            }
        },
        |_| {},
        |_| {
            ledger.check(&[circuit.snapshot()]);
            assert_well(&circuit, &ledger, || {});
            ledger.check(&[circuit.snapshot()]);
        },
    );
    println!("{ledger}");
    assert!((2..=4).contains(&gauge.most()), "{} were inside", gauge.most());
}

#[test]
fn l07_a_thousand_threads_inside_one_circuit_at_once_are_counted_exactly() {
    const THREADS: usize = 1_000;
    let _alone = alone();
    let seed = seed();
    let turns = scaled(20);
    let (circuit, _) = circuit(Config::new().failure_threshold(3).count_window(1_000_000));
    let ledger = Ledger::default();
    let all_inside = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        for number in 0..THREADS as u64 {
            let (circuit, ledger, all_inside) = (&circuit, &ledger, &all_inside);
            let run = move || {
                let first = circuit.try_acquire();
                all_inside.wait();
                all_inside.wait();
                let mut lots = Lots::new(seed, number);
                if let Ok(permit) = first {
                    permit.success();
                    ledger.enter(Seen::Success);
                }
                for _ in 0..turns {
                    let plan = Plan::draw(&mut lots);
                    let call = || {
                        circuit.call(|| plan.run()).map_err(|error| match error {
                            CallError::Failed(Fault::Absent) => Fault::Down,
                            error => error.into(),
                        })
                    };
                    ledger.enter(watch(call));
                    if lots.one_in(8) {
                        circuit.reset();
                    }
                }
            };
            thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, run).unwrap();
        }
        all_inside.wait();
        let in_flight = circuit.snapshot().in_flight;
        all_inside.wait();
        assert_eq!(in_flight, THREADS as u64, "all of them were let in");
    });
    ledger.check(&[circuit.snapshot()]);
    assert_balanced(&circuit.snapshot(), THREADS as u64 * (turns + 1));
    assert_eq!(ledger.asked(), THREADS as u64 * (turns + 1));
}
