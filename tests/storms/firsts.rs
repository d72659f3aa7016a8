//! What happens once, however many threads come for it at the same moment: a trip (S06), and the first use of a
//! name (G02).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use breaker_runtime::{CircuitBreaker, Config, State, circuit_breaker, registry};

use crate::alone;
use crate::common::{assert_balanced, circuit};
use crate::ledger::family;
use crate::load::{drill, scaled};

const THREADS: u64 = 64;

#[test]
fn s06_of_64_failures_at_once_those_that_are_needed_open_and_the_others_are_late() {
    const THRESHOLD: u64 = 40;
    let _alone = alone();
    let config = Config::new().failure_threshold(u32::try_from(THRESHOLD).unwrap());
    let (circuit, _) = circuit(config);
    let all_are_in = Barrier::new(usize::try_from(THREADS).unwrap());
    drill(
        THREADS,
        scaled(500),
        |_, _| {
            let permit = circuit.try_acquire();
            all_are_in.wait();
            permit.expect("it is closed until all of them are in").failure();
        },
        |_| circuit.reset(),
        |round| {
            let snapshot = circuit.snapshot();
            assert_eq!((snapshot.state, snapshot.transitions), (State::Open, 2 * round + 1));
            assert_eq!(u64::from(snapshot.trip_reason.expect("it is open").failed), THRESHOLD);
            assert_eq!(snapshot.calls.late, (THREADS - THRESHOLD) * (round + 1));
            assert_balanced(&snapshot, THREADS * (round + 1));
        },
    );
}

#[test]
fn g02_a_name_that_64_threads_use_first_at_once_is_one_circuit() {
    let _alone = alone();
    let made: Mutex<Vec<Arc<CircuitBreaker>>> = Mutex::default();
    drill(
        THREADS,
        scaled(100),
        |_, round| {
            let name = format!("storms.first.{round}");
            let circuit = registry().get_or_create(&name, Config::new()).unwrap();
            circuit.try_acquire().unwrap().success();
            made.lock().unwrap().push(circuit);
        },
        |_| made.lock().unwrap().clear(),
        |_| {
            let made = made.lock().unwrap();
            assert!(made.iter().all(|circuit| Arc::ptr_eq(circuit, &made[0])));
            assert_balanced(&made[0].snapshot(), THREADS);
            assert_eq!(made[0].snapshot().calls.success, THREADS);
        },
    );
}

static INSIDE: AtomicU64 = AtomicU64::new(0);

#[circuit_breaker(name = "storms.first_key", key = key, max_keys = 2)]
fn first_call_of(key: u64) -> Option<u64> {
    INSIDE.fetch_add(1, Ordering::Relaxed);
    Some(key)
}

#[test]
fn g02_a_key_that_64_threads_use_first_at_once_is_one_circuit() {
    let _alone = alone();
    drill(
        THREADS,
        scaled(200),
        |_, round| assert_eq!(first_call_of(round), Some(round)),
        |_| {},
        |round| {
            let circuits = family("storms.first_key");
            assert!(circuits.len() <= 3, "the one that all share, and two");
            let success: u64 = circuits.iter().map(|circuit| circuit.calls.success).sum();
            assert_eq!((success, INSIDE.load(Ordering::Relaxed)), ((round + 1) * THREADS, success));
            // Nobody held a circuit when this key came, so there was room for it.
            let own = registry().get(&format!("storms.first_key/{round}")).expect("it has room");
            assert_eq!(own.snapshot().calls.success, THREADS);
        },
    );
}
