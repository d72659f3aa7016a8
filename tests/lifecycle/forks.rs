//! A process that is forked takes its circuits with it, as they are at that moment (G13).
//!
//! Only the thread that forks goes on in the child. If another one holds a circuit's lock at that moment, the
//! child never gets it: that holds for every lock of a program, and is why forking is for programs, or moments,
//! of one thread.

use breaker_runtime::{Rejected, State, circuit_breaker, registry};
use fork::{Fork, fork, waitpid};

use crate::process::run_test;

#[circuit_breaker(name = "forked.open", failure_threshold = 2)]
fn ask(works: bool) -> Result<(), Rejection> {
    if works { Ok(()) } else { Err(Rejection) }
}

#[circuit_breaker(name = "forked.other", window = "30s", slow_call = "1s", max_concurrent = 4)]
fn ask_other(works: bool) -> Result<(), Rejection> {
    if works { Ok(()) } else { Err(Rejection) }
}

#[derive(Debug, PartialEq)]
struct Rejection;

impl From<Rejected> for Rejection {
    fn from(_: Rejected) -> Self {
        Self
    }
}

fn counts(name: &str) -> (u64, u64, u64) {
    let snapshot = registry().get(name).unwrap().snapshot();
    (snapshot.calls.success, snapshot.calls.failure, snapshot.rejected.total())
}

/// Goes on from where the parent was.
fn live_on() {
    assert_eq!(registry().get("forked.open").unwrap().state(), State::Open);
    assert!(ask(true).is_err());
    assert_eq!(counts("forked.open"), (1, 2, 1));
    registry().reset_all();
    for _ in 0..1_000 {
        ask(true).unwrap();
        ask_other(true).unwrap();
    }
    std::thread::spawn(|| ask(true).unwrap()).join().unwrap();
    assert_eq!(counts("forked.open"), (1_002, 2, 1));
    assert_eq!(counts("forked.other"), (1_001, 0, 0));
    assert!(registry().snapshot().to_string().contains("forked.other"));
}

#[test]
#[ignore = "run by the test of its name, in a process of its own"]
fn g13_child() {
    ask(true).unwrap();
    ask_other(true).unwrap();
    for _ in 0..2 {
        ask(false).unwrap_err();
    }
    match fork().expect("the system forks") {
        Fork::Child => {
            let lived = std::panic::catch_unwind(live_on);
            std::process::exit(i32::from(lived.is_err()));
        }
        Fork::Parent(child) => {
            assert_eq!(waitpid(child).expect("it is our child"), 0);
            assert_eq!(counts("forked.open"), (1, 2, 0), "the child counts for itself");
        }
    }
}

#[test]
fn g13_a_forked_process_goes_on_with_circuits_of_its_own() {
    run_test("forks::g13_child").assert_success();
}
