//! How long a refused call is held by a slow listener while others are refused too.
//!
//! `cargo run -p breaker-benches --release --bin held`. Three threads are refused as fast as they can for two
//! seconds: with no listener, and with one that takes 100 us for each event. The longest call with no listener
//! shows how long the system stops a thread anyway.

use std::cell::Cell;
use std::error::Error;
use std::hint::spin_loop;
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::{CircuitBreaker, Config, registry};

const THREADS: usize = 3;
const LASTS: Duration = Duration::from_secs(2);
/// How long the listener takes for each event.
const TAKES: Duration = Duration::from_micros(100);

thread_local! {
    /// The events that the thread told in the call it is in.
    static TOLD: Cell<u64> = const { Cell::new(0) };
}

/// What the calls of one thread came to.
#[derive(Default)]
struct Held {
    calls: u64,
    longest: Duration,
    most_told: u64,
}

fn hear() {
    TOLD.set(TOLD.get() + 1);
    let began = Instant::now();
    while began.elapsed() < TAKES {
        spin_loop();
    }
}

fn be_refused(circuit: &CircuitBreaker) -> Held {
    let (began, mut held) = (Instant::now(), Held::default());
    while began.elapsed() < LASTS {
        TOLD.set(0);
        let asked = Instant::now();
        assert!(circuit.try_acquire().is_err(), "it is open");
        held.longest = held.longest.max(asked.elapsed());
        held.most_told = held.most_told.max(TOLD.get());
        held.calls += 1;
    }
    held
}

fn show(what: &str, circuit: &CircuitBreaker) {
    println!("{what}");
    let held = thread::scope(|scope| {
        let callers = [(); THREADS].map(|()| scope.spawn(|| be_refused(circuit)));
        callers.map(|caller| caller.join().unwrap_or_default())
    });
    for Held { calls, longest, most_told } in held {
        println!(
            "{calls:>12} refused calls; the longest took {longest:.1?}; the most events one told: {most_told}"
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let circuit = registry().get_or_create("held", Config::new().cooldown(Duration::MAX))?;
    circuit.trip();
    show("no listener", &circuit);
    let _slow = registry().subscribe(|_| hear());
    show("a listener that takes 100 us", &circuit);
    Ok(())
}
