//! What is measured, through the public API only.

use std::future::{Ready, ready};
use std::sync::Barrier;
use std::time::Duration;
use std::{mem, thread};

use breaker_runtime::{
    CircuitBreaker, Clock, Config, ManualClock, Site, State, circuit_breaker, registry,
};

use crate::heap::{grown_by, of_each, of_each_thread, share};

/// One figure, in bytes.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) bytes: fn() -> i64,
}

/// Every figure by name.
pub(crate) const FIGURES: [Figure; 13] = [
    Figure { name: "healthy-circuit", bytes: healthy_circuit },
    Figure { name: "failed-circuit", bytes: failed_circuit },
    Figure { name: "probing-circuit", bytes: probing_circuit },
    Figure { name: "registration", bytes: registration },
    Figure { name: "site", bytes: || bytes_of::<Site>() },
    Figure { name: "future", bytes: future },
    Figure { name: "future-of-large-argument", bytes: future_of_large_argument },
    Figure { name: "key", bytes: key },
    Figure { name: "thread", bytes: thread },
    Figure { name: "circuit-and-thread", bytes: circuit_and_thread },
    Figure { name: "growth-over-trips", bytes: growth_over_trips },
    Figure { name: "growth-over-threads", bytes: growth_over_threads },
    Figure { name: "growth-over-keys", bytes: growth_over_keys },
];

/// Enough that what is there once vanishes in the share of each.
const CIRCUITS: usize = 1000;
const WINDOW: u32 = 100;
const COOLDOWN: Duration = Duration::from_secs(60);
const TRIPS: usize = 10_000;
const THREADS: usize = 1000;
const KEYS: usize = 10_000;
/// So many rounds come before growth is measured: the lists that are kept have their size then.
const WARM_UP: usize = 1000;

/// All names have eight bytes.
fn name(number: usize) -> String {
    format!("{number:08}")
}

fn bytes_of<T>() -> i64 {
    i64::try_from(size_of::<T>()).expect("no type is that large")
}

fn circuit(number: usize, config: Config) -> CircuitBreaker {
    CircuitBreaker::new(name(number), config).expect("the name and the config are valid")
}

fn with_clock(number: usize, clock: &ManualClock) -> CircuitBreaker {
    let (config, clock) = (Config::new().cooldown(COOLDOWN), Clock::Manual(clock.clone()));
    CircuitBreaker::with_clock(name(number), config, clock).expect("the name and config are valid")
}

/// Never opens for as long as one call in a window is good.
fn enduring(number: usize) -> CircuitBreaker {
    circuit(number, Config::new().failure_rate(1.0).count_window(WINDOW).minimum_calls(WINDOW))
}

fn succeed(circuit: &CircuitBreaker) {
    circuit.try_acquire().expect("it lets calls in").success();
}

fn fail(circuit: &CircuitBreaker) {
    circuit.try_acquire().expect("it lets calls in").failure();
}

/// Makes this thread's counters for so many circuits, so that they are not counted with what follows.
fn make_room_for_counters(circuits: usize) {
    let called: Vec<_> = (0..circuits).map(|number| circuit(number, Config::new())).collect();
    called.iter().for_each(succeed);
}

fn healthy_circuit() -> i64 {
    make_room_for_counters(CIRCUITS);
    let heap = of_each(CIRCUITS, |number| {
        let circuit = circuit(number, Config::new());
        succeed(&circuit);
        circuit
    });
    heap + bytes_of::<CircuitBreaker>()
}

/// One whose window is full of failures but for one call.
fn failed_circuit() -> i64 {
    make_room_for_counters(CIRCUITS);
    let heap = of_each(CIRCUITS, |number| {
        let circuit = enduring(number);
        for call in 1..=3 * WINDOW {
            if call.is_multiple_of(WINDOW) { succeed(&circuit) } else { fail(&circuit) }
        }
        assert_eq!(circuit.state(), State::Closed);
        circuit
    });
    heap + bytes_of::<CircuitBreaker>()
}

/// One that is half-open, with all its probes in flight.
fn probing_circuit() -> i64 {
    make_room_for_counters(CIRCUITS);
    let clock = ManualClock::new();
    let heap = of_each(CIRCUITS, |number| {
        let circuit = with_clock(number, &clock);
        circuit.trip();
        clock.advance(COOLDOWN);
        while let Ok(probe) = circuit.try_acquire() {
            mem::forget(probe);
        }
        assert_eq!(circuit.state(), State::HalfOpen);
        circuit
    });
    heap + bytes_of::<CircuitBreaker>()
}

/// What a circuit of the registry takes over one that is made by hand.
fn registration() -> i64 {
    // The registry itself is made on first use, with the circuits of this binary's functions.
    registry().circuits();
    let registered = of_each(CIRCUITS, |number| {
        registry().get_or_create(&name(number), Config::new()).expect("it is valid")
    });
    let by_hand = of_each(CIRCUITS, |number| circuit(number, Config::new()));
    registered - by_hand - bytes_of::<CircuitBreaker>()
}

async fn bare(answer: Ready<Option<u8>>) -> Option<u8> {
    answer.await
}

#[circuit_breaker(name = "memory.future")]
async fn guarded(answer: Ready<Option<u8>>) -> Option<u8> {
    answer.await
}

/// What an annotated async function adds to its future.
fn future() -> i64 {
    let added = size_of_val(&guarded(ready(None))) - size_of_val(&bare(ready(None)));
    i64::try_from(added).expect("no future is that large")
}

/// The bytes of an argument that is large.
const LARGE: usize = 1024;

#[circuit_breaker(name = "memory.large")]
async fn with_large_argument(large: [u8; LARGE], answer: Ready<Option<u8>>) -> Option<u8> {
    answer.await.map(|index| large[usize::from(index)])
}

/// The future of an annotated async function that has one large argument.
fn future_of_large_argument() -> i64 {
    let future = size_of_val(&with_large_argument([0; LARGE], ready(None)));
    i64::try_from(future).expect("no future is that large")
}

#[circuit_breaker(name = "memory.keyed", key = key, max_keys = 1001)]
fn keyed(key: &str) -> Option<u8> {
    key.bytes().next()
}

/// A key with its circuit.
fn key() -> i64 {
    make_room_for_counters(CIRCUITS);
    keyed("first");
    of_each(CIRCUITS, |number| keyed(&name(number)))
}

/// What a thread takes that calls one circuit.
fn thread() -> i64 {
    let circuit = circuit(0, Config::new());
    of_each_thread(|| succeed(&circuit))
}

/// What each circuit takes in each thread that calls many.
fn circuit_and_thread() -> i64 {
    let circuits: Vec<_> = (0..CIRCUITS).map(|number| circuit(number, Config::new())).collect();
    share(of_each_thread(|| circuits.iter().for_each(succeed)), CIRCUITS)
}

fn growth_over_trips() -> i64 {
    let clock = ManualClock::new();
    let circuit = with_clock(0, &clock);
    let trip = |_| {
        while circuit.state() == State::Closed {
            fail(&circuit);
        }
        clock.advance(COOLDOWN);
        while circuit.state() != State::Closed {
            succeed(&circuit);
        }
    };
    (0..WARM_UP).for_each(trip);
    grown_by(|| (0..TRIPS).for_each(trip))
}

fn growth_over_threads() -> i64 {
    let circuit = circuit(0, Config::new());
    let both_have_called = Barrier::new(2);
    let come_and_go = |_| {
        let call = || {
            succeed(&circuit);
            both_have_called.wait();
        };
        thread::scope(|scope| {
            // A scope ends before the destructors of its threads have run, but for those it joins.
            for thread in [scope.spawn(call), scope.spawn(call)] {
                thread.join().expect("a call does not panic");
            }
        });
    };
    (0..WARM_UP).for_each(come_and_go);
    grown_by(|| (0..THREADS / 2).for_each(come_and_go))
}

#[circuit_breaker(name = "memory.few_keys", key = key, max_keys = 100)]
fn with_few_keys(key: &str) -> Option<u8> {
    key.bytes().next()
}

/// Of keys that never come back, through a function that keeps a hundred.
fn growth_over_keys() -> i64 {
    let call = |number| {
        with_few_keys(&name(number));
    };
    (0..WARM_UP).for_each(call);
    grown_by(|| (WARM_UP..WARM_UP + KEYS).for_each(call))
}
