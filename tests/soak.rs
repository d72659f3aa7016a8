//! A program that runs for long: trips, snapshots, subscriptions and keys that come and go, and memory that
//! does not grow.
//!
//! `BREAKER_SOAK` is its length in seconds: 60 is the full measure. It is real time that passes here, as it is
//! the allocator that is on trial.

#[path = "common/load.rs"]
mod load;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::{
    CircuitBreaker, Config, Permit, Rejected, Snapshot, State, circuit_breaker, registry,
};
use load::{Lots, resident, scaled, seed, soak_seconds};

/// Memory belongs to the process: what one test takes must not be another one's growth.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// More than this above the size after the warm-up is a leak.
const TOLERANCE: u64 = 1 << 20;

/// Between two trips of every circuit.
const PERIOD: Duration = Duration::from_millis(100);
const CALLERS: u64 = 4;

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

fn answer(is_up: bool) -> Result<(), Fault> {
    if is_up { Ok(()) } else { Err(Fault::Down) }
}

#[circuit_breaker(
    name = "soak.steady",
    failure_threshold = 3,
    cooldown = "5ms",
    max_concurrent = 64
)]
fn steady(is_up: bool) -> Result<(), Fault> {
    answer(is_up)
}

#[circuit_breaker(
    name = "soak.windowed",
    window = "1s",
    failure_rate = 0.5,
    slow_call = "50ms",
    cooldown = "5ms"
)]
fn windowed(is_up: bool) -> Result<(), Fault> {
    answer(is_up)
}

#[circuit_breaker(name = "soak.keyed", key = key, max_keys = 16, cooldown = "1ms")]
fn keyed(key: u64, is_up: bool) -> Result<(), Fault> {
    let _ = key;
    answer(is_up)
}

const NAMES: [&str; 3] = ["soak.steady", "soak.windowed", "soak.keyed"];

/// What the callers saw, of all circuits together.
#[derive(Default)]
struct Answers {
    good: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
}

impl Answers {
    fn enter(&self, answer: &Result<(), Fault>) {
        let count = match answer {
            Ok(()) => &self.good,
            Err(Fault::Down) => &self.failed,
            Err(Fault::Refused) => &self.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

fn call(answers: &Answers, seed: u64, caller: u64, is_over: &AtomicBool) {
    let mut lots = Lots::new(seed, caller);
    while !is_over.load(Ordering::Relaxed) {
        for _ in 0..100 {
            let is_up = !lots.one_in(20);
            answers.enter(&match lots.draw(3) {
                0 => steady(is_up),
                1 => windowed(is_up),
                _ => keyed(lots.draw(1_000_000), is_up),
            });
        }
        // Others want the processor too, above all the one that looks at the clock.
        thread::yield_now();
    }
}

/// Listens for a while, and looks at everything meanwhile.
fn look(told: &AtomicU64, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let subscription = registry().subscribe({
            // Large enough for a few that stay to be seen.
            let heard: Vec<_> = (0..2_048).map(|_| AtomicU64::new(0)).collect();
            move |event| {
                heard[event.name.len()].fetch_add(1, Ordering::Relaxed);
            }
        });
        told.fetch_add(1, Ordering::Relaxed);
        for _ in 0..4 {
            let snapshot = registry().snapshot();
            assert!(snapshot.to_string().lines().count() > NAMES.len());
            assert!(snapshot.circuits.iter().all(|circuit| !circuit.explain().is_empty()));
            thread::yield_now();
        }
        drop(subscription);
        // Whoever looks at the circuits of keys holds them, and then none of them can go.
        thread::sleep(PERIOD / 20);
    }
}

fn is_of_this(snapshot: &Snapshot) -> bool {
    NAMES.iter().any(|name| snapshot.name.starts_with(name))
}

/// Trips everything each period, and returns how much memory was resident after each second.
fn trip(seconds: u64) -> (u64, Vec<u64>) {
    let began = Instant::now();
    let (mut trips, mut sizes) = (0, Vec::new());
    while began.elapsed() < Duration::from_secs(seconds) {
        thread::sleep(PERIOD);
        for circuit in NAMES.into_iter().filter_map(|name| registry().get(name)) {
            circuit.trip();
            trips += 1;
        }
        if began.elapsed() > Duration::from_secs(sizes.len() as u64 + 1) {
            sizes.extend(resident());
        }
    }
    (trips, sizes)
}

#[test]
fn l03_memory_stays_flat_and_every_call_is_counted_while_circuits_trip_all_the_time() {
    let _alone = alone();
    let (seed, seconds) = (seed(), soak_seconds(6));
    let (answers, told, is_over) = (Answers::default(), AtomicU64::new(0), AtomicBool::new(false));
    let queue = registry().get_or_create("soak.steady", Config::new()).unwrap();
    let (trips, sizes) = thread::scope(|scope| {
        let (answers, told, is_over) = (&answers, &told, &is_over);
        for caller in 0..CALLERS {
            scope.spawn(move || call(answers, seed, caller, is_over));
        }
        scope.spawn(move || look(told, is_over));
        let tripped = thread::Builder::new().spawn_scoped(scope, move || trip(seconds)).unwrap();
        let tripped = tripped.join();
        is_over.store(true, Ordering::Relaxed);
        tripped.unwrap()
    });

    let circuits: Vec<_> = registry().snapshot().circuits.into_iter().filter(is_of_this).collect();
    let sum = |of: fn(&Snapshot) -> u64| circuits.iter().map(of).sum::<u64>();
    let [good, failed, refused] =
        [answers.good, answers.failed, answers.refused].map(AtomicU64::into_inner);
    println!("{good} good, {failed} failed and {refused} refused calls; {trips} trips by hand");
    println!("{} subscriptions; resident after each second: {sizes:?}", told.into_inner());
    assert_eq!((sum(|it| it.calls.success), sum(|it| it.calls.failure)), (good, failed));
    assert_eq!(sum(|it| it.rejected.total()), refused);
    assert_eq!(sum(|it| it.calls.started), good + failed);
    assert!(circuits.iter().all(|circuit| circuit.in_flight == 0));
    assert!(circuits.len() <= NAMES.len() + 16, "no more keys than there is room for");
    assert!(queue.snapshot().transitions > seconds, "it opened and closed all the time");

    // Every thread, every map and every queue has its size by then.
    let warm = sizes.len() / 3;
    if let (Some(before), Some(after)) = (sizes.get(warm), sizes.last()) {
        let growth = after.saturating_sub(*before);
        assert!(growth < TOLERANCE, "grew by {growth} bytes: {sizes:?}");
    }
    queue.reset();
    assert_eq!(queue.state(), State::Closed);
}

/// Does something often enough to warm up, and then ten times as often.
#[track_caller]
fn assert_flat(often: u64, act: impl Fn(u64)) {
    let _alone = alone();
    (0..often / 10).for_each(&act);
    let before = resident();
    (0..often).for_each(&act);
    if let (Some(before), Some(after)) = (before, resident()) {
        let growth = after.saturating_sub(before);
        println!("{often} times: {growth} bytes more than after {}", often / 10);
        assert!(growth < TOLERANCE, "grew by {growth} bytes");
    }
}

#[test]
fn d24_memory_stays_flat_over_a_million_calls() {
    let config = Config::new().failure_threshold(u32::MAX).slow_call(Duration::from_secs(60));
    let circuit = CircuitBreaker::new("soak", config.max_concurrent(4)).unwrap();
    let ends = [Permit::success, Permit::failure, Permit::ignore, drop];
    assert_flat(scaled(1_000_000), |call| {
        ends[usize::from(call.to_le_bytes()[0]) % 4](circuit.try_acquire().unwrap());
    });
}

#[test]
fn d24_memory_stays_flat_over_ten_thousand_trips() {
    let config = Config::new().cooldown(Duration::from_nanos(1)).success_threshold(1);
    let circuit = registry().get_or_create("soak.tripped", config).unwrap();
    let _subscription = registry().subscribe(|_| {});
    assert_flat(scaled(10_000), |_| {
        circuit.trip();
        while circuit.state() != State::Closed {
            let _ = circuit.try_acquire().map(Permit::success);
        }
    });
}

#[test]
fn d24_memory_stays_flat_over_subscriptions_that_come_and_go() {
    assert_flat(scaled(20_000), |number| {
        drop(registry().subscribe(move |event| assert_ne!(event.sequence, number)));
    });
}

#[test]
fn d24_memory_stays_flat_over_circuits_and_threads_that_come_and_go() {
    assert_flat(scaled(2_000), |number| {
        let config = Config::new().failure_rate(0.5).max_concurrent(2);
        let circuit = CircuitBreaker::new(format!("soak {number}"), config).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| circuit.call(|| Err::<(), _>(())).unwrap_err());
        });
    });
}
