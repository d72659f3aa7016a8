//! Settings that change a thousand times while threads call.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use breaker_config::File;
use breaker_runtime::{CircuitBreaker, Config};
use common::{Folder, own};

const THREADS: usize = 8;
const APPLIES: u32 = 1_000;

/// Two options of one layer, and another two of the layer above it. Each pair is always equal.
fn file(number: u32) -> String {
    let (low, high) = (number % 7 + 1_000_000, number % 5 + 1_000_000);
    format!(
        "[defaults]\nfailure_threshold = {low}\nsuccess_threshold = {low}\n\
         [circuits.a]\nhalf_open_max_calls = {high}\nhalf_open_failure_threshold = {high}\n"
    )
}

/// Panics if it sees half of a layer, or one layer of a file without the other.
fn look(circuit: &CircuitBreaker, seen_by_number: &mut impl FnMut(u32, u32)) {
    let settings = circuit.snapshot().config.settings();
    let low = settings.failure_threshold.expect("it is never off");
    assert_eq!(low, settings.success_threshold);
    assert_eq!(settings.half_open_max_calls, settings.half_open_failure_threshold);
    seen_by_number(low - 1_000_000, settings.half_open_max_calls - 1_000_000);
}

#[test]
fn r19_no_call_is_lost_and_none_sees_half_of_a_layer() {
    let own = own();
    let circuit = own.circuit("a", Config::new()).unwrap();
    let folder = Folder::new();
    let apply = |number: u32| {
        let path = folder.write("breaker.toml", &file(number));
        File::new(path).registry(own).directives("").apply().map(drop).expect("good settings");
    };
    apply(0);
    let is_over = AtomicBool::new(false);
    let [good, bad, cancelled] = [(); 3].map(|()| AtomicU64::new(0));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (circuit, is_over) = (&circuit, &is_over);
            let counts = [&good, &bad, &cancelled];
            scope.spawn(move || {
                let mut call = thread;
                while !is_over.load(Ordering::Relaxed) {
                    let permit = circuit.try_acquire().expect("nothing trips it");
                    match call % 3 {
                        0 => permit.success(),
                        1 => permit.failure(),
                        _ => drop(permit),
                    }
                    counts[call % 3].fetch_add(1, Ordering::Relaxed);
                    call += 1;
                    if call.is_multiple_of(16) {
                        look(circuit, &mut |_, _| {});
                    }
                }
            });
        }
        for number in 1..=APPLIES {
            apply(number);
            look(&circuit, &mut |low, high| assert_eq!((low, high), (number % 7, number % 5)));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let calls = circuit.snapshot().calls;
    let made = [&good, &bad, &cancelled].map(|count| count.load(Ordering::Relaxed));
    assert_eq!([calls.success, calls.failure, calls.cancelled], made);
    assert_eq!(calls.started, made.iter().sum::<u64>());
    assert_eq!(circuit.snapshot().rejected.total(), 0);
    assert!(calls.started > 0);
}
