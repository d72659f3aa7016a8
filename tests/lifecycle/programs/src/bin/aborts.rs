//! A program in which a panic aborts (P06): circuits work until then, and do not keep it from ending.

use breaker_programs::{Fault, answer};
use breaker_runtime::{State, circuit_breaker, registry};

#[circuit_breaker(name = "aborts", failure_threshold = 2)]
fn guarded(works: bool) -> Result<(), Fault> {
    answer(works)
}

#[circuit_breaker(name = "aborts")]
fn panics() -> Result<(), Fault> {
    panic!("in a guarded body")
}

fn main() {
    let circuit = registry().get("aborts").expect("it is annotated");
    guarded(true).unwrap();
    assert_eq!((guarded(false), guarded(false)), (Err(Fault::Down), Err(Fault::Down)));
    assert_eq!((circuit.state(), guarded(true)), (State::Open, Err(Fault::Refused)));
    circuit.reset();
    drop(circuit.try_acquire().expect("it is closed"));
    std::thread::spawn(|| guarded(true).unwrap()).join().unwrap();

    let snapshot = circuit.snapshot();
    let calls = snapshot.calls;
    println!(
        "{} good, {} failed, {} cancelled, {} refused, {} in flight",
        calls.success,
        calls.failure,
        calls.cancelled,
        snapshot.rejected.total(),
        snapshot.in_flight
    );
    let _ = panics();
    println!("it went on");
}
