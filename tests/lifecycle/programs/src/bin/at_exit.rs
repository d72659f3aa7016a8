//! A program that uses circuits after `main` has returned (G10), while threads that nobody waits for use them
//! too (G11).

use std::cell::RefCell;
use std::thread;

use breaker_programs::{Fault, answer};
use breaker_runtime::{EventKind, State, Subscription, circuit_breaker, registry};

#[circuit_breaker(name = "at_exit.last", failure_threshold = 2, window = "30s", slow_call = "1s")]
fn last(works: bool) -> Result<(), Fault> {
    answer(works)
}

#[circuit_breaker(name = "at_exit.coarse", failure_threshold = 2)]
fn coarse(works: bool) -> Result<(), Fault> {
    answer(works)
}

#[circuit_breaker(
    name = "at_exit.precise",
    cooldown = "1ns",
    slow_call = "1ms",
    max_concurrent = 64
)]
fn precise(works: bool) -> Result<(), Fault> {
    answer(works)
}

#[circuit_breaker(name = "at_exit.keyed", key = key, max_keys = 4)]
fn keyed(key: u32) -> Option<u32> {
    Some(key)
}

/// Uses everything when the thread of `main` takes it down, which is after `main`.
struct Goodbye {
    _subscription: Option<Subscription>,
}

impl Drop for Goodbye {
    fn drop(&mut self) {
        let circuit = registry().get("at_exit.last").expect("it is annotated");
        circuit.reset();
        last(true).unwrap();
        assert_eq!((last(false), last(false)), (Err(Fault::Down), Err(Fault::Down)));
        assert_eq!((last(true), circuit.state()), (Err(Fault::Refused), State::Open));
        let _ = (coarse(true), precise(true), keyed(1));
        assert!(!registry().snapshot().to_string().is_empty());
        println!("after main: {}", circuit.snapshot().explain().split(" for ").next().unwrap());
    }
}

thread_local! {
    static FIRST: RefCell<Option<Goodbye>> = const { RefCell::new(None) };
    static SECOND: RefCell<Option<Goodbye>> = const { RefCell::new(None) };
}

fn main() {
    FIRST.set(Some(Goodbye { _subscription: None }));
    for number in 0..4 {
        thread::spawn(move || {
            for call in 0_u32.. {
                let works = !call.is_multiple_of(7);
                let _ = (coarse(works), precise(works), keyed((call + number) % 9));
            }
        });
    }
    while precise(true).is_err() || registry().get("at_exit.keyed/8").is_none() {
        thread::yield_now();
    }
    let subscription = registry().subscribe(|event| {
        if let EventKind::Transition(_) = event.kind {
            let _ = registry().get(&event.name).map(|circuit| circuit.snapshot());
        }
    });
    SECOND.set(Some(Goodbye { _subscription: Some(subscription) }));
    println!("main returns");
}
