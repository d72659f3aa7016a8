//! A storm on the system's clocks: what `cargo test` runs elsewhere goes by tokio's, which tests can pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use breaker_programs::{Fault, answer};
use breaker_runtime::{CircuitBreaker, State, circuit_breaker, registry};

const THREADS: u64 = 8;
const CALLS: u64 = 20_000;

#[circuit_breaker(
    name = "storm.coarse",
    failure_threshold = 3,
    cooldown = "100ms",
    probe_timeout = "200ms"
)]
fn coarse(works: bool) -> Result<(), Fault> {
    answer(works)
}

#[circuit_breaker(
    name = "storm.precise",
    failure_threshold = 3,
    cooldown = "20us",
    probe_timeout = "100us",
    slow_call = "50us",
    max_concurrent = 4
)]
fn precise(works: bool) -> Result<(), Fault> {
    answer(works)
}

#[circuit_breaker(
    name = "storm.window",
    window = "10ms",
    failure_rate = 0.3,
    minimum_calls = 20,
    cooldown = "20us"
)]
fn windowed(works: bool) -> Result<(), Fault> {
    answer(works)
}

#[circuit_breaker(name = "storm.keyed", key = key, max_keys = 4, cooldown = "20us")]
fn keyed(key: u64, works: bool) -> Result<(), Fault> {
    answer(works && key < u64::MAX)
}

/// Good, failed and refused calls of all circuits, as their callers saw them.
static SEEN: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

fn see(answer: &Result<(), Fault>) {
    let seen = match answer {
        Ok(()) => 0,
        Err(Fault::Down) => 1,
        Err(Fault::Refused) => 2,
    };
    SEEN[seen].fetch_add(1, Ordering::Relaxed);
}

fn call(thread: u64) {
    for number in 0..CALLS {
        let lot = (thread * CALLS + number).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let works = !lot.is_multiple_of(5);
        match lot / 5 % 4 {
            0 => see(&coarse(works)),
            1 => see(&precise(works)),
            2 => see(&windowed(works)),
            _ => see(&keyed(lot % 9, works)),
        }
        if number % 64 == 0 {
            thread::yield_now();
        }
    }
}

fn heal(circuit: &CircuitBreaker) {
    let began = Instant::now();
    while circuit.state() != State::Closed {
        assert!(began.elapsed() < Duration::from_secs(30), "stuck: {:?}", circuit.snapshot());
        if let Ok(permit) = circuit.try_acquire() {
            permit.success();
        }
        thread::yield_now();
    }
}

fn main() {
    let threads = (0..THREADS).map(|thread| thread::spawn(move || call(thread)));
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());

    let circuits: Vec<Arc<CircuitBreaker>> = registry().circuits();
    let of_this = |circuit: &&Arc<CircuitBreaker>| circuit.name().starts_with("storm.");
    let mut counted = [0; 3];
    for circuit in circuits.iter().filter(of_this) {
        let snapshot = circuit.snapshot();
        let calls = snapshot.calls;
        assert_eq!(calls.started, calls.success + calls.failure, "{snapshot:?}");
        assert_eq!((snapshot.in_flight, snapshot.probes.in_flight), (0, 0), "{snapshot:?}");
        for (sum, count) in
            counted.iter_mut().zip([calls.success, calls.failure, snapshot.rejected.total()])
        {
            *sum += count;
        }
    }
    assert_eq!(counted, SEEN.each_ref().map(|seen| seen.load(Ordering::Relaxed)));
    assert_eq!(counted.iter().sum::<u64>(), THREADS * CALLS);
    assert!(counted.iter().all(|count| *count > 0), "{counted:?}");
    circuits.iter().filter(of_this).for_each(|circuit| heal(circuit));
    println!("{} calls, all counted, all circuits closed", THREADS * CALLS);
}
