//! The option `describe_error`: the words of the last failure, and of the one that opened the circuit.

use std::fmt;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use breaker_runtime::{
    CallError, CircuitBreaker, Clock, Config, EventKind, ManualClock, Registry, Snapshot, State,
    circuit_breaker, registry,
};

/// An error that counts how often it was described.
#[derive(Clone, Debug)]
struct Fault(&'static str);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn snapshot(name: &str) -> Snapshot {
    registry().snapshot_of(name).expect("it was called")
}

fn fail(circuit: &CircuitBreaker, words: &'static str) {
    let guard = circuit.guard().describe_error(|error: &Fault| error.to_string());
    let _ = guard.call(|| Err::<(), _>(Fault(words)));
}

#[test]
fn the_attribute_keeps_the_words_of_the_last_failure_and_of_the_one_that_opened() {
    #[circuit_breaker(name = "described", failure_threshold = 2, describe_error = |error| error)]
    fn call(result: Result<(), Fault>) -> Result<(), CallError<Fault>> {
        result.map_err(CallError::Failed)
    }
    call(Ok(())).unwrap();
    assert_eq!(snapshot("described").last_error, None);
    call(Err(Fault("connection refused"))).unwrap_err();
    let first = snapshot("described");
    assert_eq!((first.last_error.as_deref(), first.trip_error), (Some("connection refused"), None));
    call(Err(Fault("reset by peer"))).unwrap_err();
    let open = snapshot("described");
    assert_eq!(open.last_error.as_deref(), Some("reset by peer"));
    assert_eq!(open.trip_error.as_deref(), Some("reset by peer"));
    let explained = open.explain();
    let expected = "2 failures in a row, the last with \"reset by peer\"; probes in";
    assert!(explained.contains(expected), "{explained}");
}

#[tokio::test]
async fn async_functions_and_paths_describe_too() {
    fn words(error: &Fault) -> &'static str {
        error.0
    }
    #[circuit_breaker(name = "described.async", describe_error = words, fallback = |_| Ok(0))]
    async fn call(fails: bool) -> Result<u32, Fault> {
        if fails { Err(Fault("down")) } else { Ok(1) }
    }
    assert_eq!((call(false).await.unwrap(), call(true).await.unwrap()), (1, 0));
    assert_eq!(snapshot("described.async").last_error.as_deref(), Some("down"));
}

#[test]
fn only_failures_are_described() {
    #[circuit_breaker(
        name = "described.failures",
        ignore_if = |error| error.to_string() == "not found",
        describe_error = |error| -> &str { panic!("{error} was described") }
    )]
    fn call(result: Result<(), Fault>) -> Result<(), CallError<Fault>> {
        result.map_err(CallError::Failed)
    }
    call(Ok(())).unwrap();
    call(Err(Fault("not found"))).unwrap_err();
    assert_eq!(snapshot("described.failures").last_error, None);
    let panicked = std::panic::catch_unwind(|| call(Err(Fault("down"))));
    assert!(panicked.is_err());
    let calls = snapshot("described.failures").calls;
    assert_eq!((calls.failure, calls.panicked), (1, 1), "a panic there is a failure (R13)");
}

#[test]
fn words_of_an_opening_go_when_it_closes_and_are_not_those_of_another_opening() {
    let time = ManualClock::new();
    let config = Config::new().failure_threshold(1).success_threshold(1);
    let clock = Clock::Manual(time.clone());
    let circuit = CircuitBreaker::with_clock("described", config, clock).unwrap();
    fail(&circuit, "first");
    assert_eq!(circuit.snapshot().trip_error.as_deref(), Some("first"));
    time.advance(Duration::from_secs(60));
    fail(&circuit, "probe");
    let again = circuit.snapshot();
    assert_eq!((again.state, again.trip_error.as_deref()), (State::Open, Some("probe")));
    let expected =
        "at first 1 failure in a row; 1 re-opening since, the last with \"probe\"; probes in 1m";
    assert!(again.explain().ends_with(expected), "{}", again.explain());
    time.advance(Duration::from_secs(60));
    circuit.try_acquire().unwrap().success();
    let closed = circuit.snapshot();
    assert_eq!((closed.trip_error, closed.last_error.as_deref()), (None, Some("probe")));
    circuit.trip();
    assert_eq!(circuit.snapshot().trip_error, None, "no failure opened it");
}

#[test]
fn a_late_failure_says_nothing() {
    let circuit = CircuitBreaker::new("described", Config::new()).unwrap();
    let guard = circuit.guard().describe_error(|error: &Fault| error.to_string());
    let _ = guard.call(|| {
        circuit.trip();
        Err::<(), _>(Fault("late"))
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.late, snapshot.last_error, snapshot.trip_error), (1, None, None));
}

#[test]
fn the_event_of_the_opening_has_the_words() {
    let registry = Registry::new();
    let circuit = registry.circuit("payments", Config::new().failure_threshold(2)).unwrap();
    let (told, heard) = mpsc::channel();
    let _listening = registry.subscribe_to_changes(move |event| {
        if let EventKind::Transition(change) = &event.kind {
            let _ = told.send((change.to, event.error.clone()));
        }
    });
    fail(&circuit, "first");
    fail(&circuit, "second");
    circuit.reset();
    let events: Vec<_> = heard.try_iter().collect();
    assert_eq!(events, [(State::Open, Some(Arc::from("second"))), (State::Closed, None)]);
}

#[test]
fn what_an_error_asks_for_and_what_it_says_go_together() {
    let clock = Clock::Manual(ManualClock::new());
    let circuit = CircuitBreaker::with_clock("described", Config::new(), clock).unwrap();
    let guard = circuit.guard().open_for(|_: &Fault| Some(Duration::from_secs(120)));
    let guard = guard.describe_error(ToString::to_string);
    let _ = guard.call(|| Err::<(), _>(Fault("busy")));
    let explained = circuit.snapshot().explain();
    assert_eq!(
        explained,
        "open for 0s: a failure asked for 2m, the last with \"busy\"; probes in 2m"
    );
}
