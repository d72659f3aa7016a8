//! Modes that are ordered for a time: by whom, until when, and what is left afterwards.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::{
    CircuitBreaker, Clock, Config, Event, EventKind, ManualClock, Mode, Override, RejectedReason,
    State, circuit_breaker, registry,
};
use serde_json::json;
use tokio::sync::Mutex as Turn;
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const FORCED: Override<'static> = Override::Mode(Mode::ForcedOpen);

/// Looking for a name that is near holds all circuits, and none of them can be evicted meanwhile.
static ALONE: Turn<()> = Turn::const_new(());

fn circuit() -> (CircuitBreaker, ManualClock) {
    let time = ManualClock::new();
    let clock = Clock::Manual(time.clone());
    (CircuitBreaker::with_clock("payments", Config::new(), clock).unwrap(), time)
}

fn listed(name: &str) -> Arc<CircuitBreaker> {
    registry().get_or_create(name, Config::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn r34_an_override_by_name_ends_by_itself() {
    let circuit = listed("overrides.name");
    registry().override_for("overrides.name", FORCED, Some(MINUTE), "10.0.0.7").unwrap();
    advance(SECOND * 59).await;
    assert_eq!(circuit.try_acquire().unwrap_err().reason(), RejectedReason::ForcedOpen);
    advance(SECOND).await;
    assert_eq!(circuit.state(), State::Closed);
    assert!(circuit.try_acquire().is_ok());
}

#[test]
fn r34_every_mistake_in_an_override_is_named_at_once_and_nothing_changes() {
    let _alone = ALONE.blocking_lock();
    listed("overrides.mistakes");
    let error = |name: &str, limit| {
        registry().override_for(name, FORCED, limit, "10.0.0.7").unwrap_err().to_string()
    };
    assert_eq!(
        error("overrides.mistake", Some(Duration::ZERO)),
        "`name` must be the name of a circuit: \"overrides.mistake\" is unknown; \
         did you mean \"overrides.mistakes\"?\n`limit` must be more than zero"
    );
    assert_eq!(
        error("nothing like\nit", None),
        "`name` must be the name of a circuit: \"nothing like\\nit\" is unknown"
    );
    assert!(error(&"n".repeat(1 << 20), None).len() < 300);
    let zero = Some(Duration::ZERO);
    assert_eq!(error("overrides.mistakes", zero), "`limit` must be more than zero");
    let untouched = listed("overrides.mistakes").snapshot();
    assert_eq!((untouched.epoch, untouched.mode_override), (0, None));
}

#[tokio::test(start_paused = true)]
async fn r34_the_end_of_an_override_is_told_with_the_next_call() {
    let circuit = listed("overrides.told");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    let _subscription = registry().subscribe_to_changes(move |event: &Event| {
        if event.name == "overrides.told" {
            let EventKind::Transition(transition) = &event.kind else { return };
            kept.lock().unwrap().push((event.sequence, transition.to_string()));
        }
    });
    registry().override_for("overrides.told", FORCED, Some(MINUTE), "").unwrap();
    advance(MINUTE).await;
    assert_eq!((circuit.state(), circuit.snapshot().transitions), (State::Closed, 2));
    assert_eq!(heard.lock().unwrap().len(), 1, "reading tells nobody");
    circuit.try_acquire().unwrap().success();
    let expected = [
        (1, "closed -> forced_open: force_open()".to_owned()),
        (2, "forced_open -> closed: the override ended".to_owned()),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn r34_a_key_that_was_forced_open_for_a_time_goes_when_that_is_over() {
    #[circuit_breaker(name = "overrides.keys", key = host, max_keys = 1, fallback_on = rejected, fallback = (), failures = panics)]
    fn visit(host: &str) {
        let _ = host;
    }
    let _alone = ALONE.lock().await;
    visit("a");
    registry().override_for("overrides.keys/a", FORCED, Some(MINUTE), "10.0.0.7").unwrap();
    visit("b");
    assert!(registry().get("overrides.keys/b").is_none(), "there is no room");
    advance(MINUTE).await;
    visit("b");
    assert!(registry().get("overrides.keys/a").is_none());
    assert!(registry().get("overrides.keys/b").is_some());
    let shared = registry().get("overrides.keys").unwrap().snapshot();
    assert_eq!(shared.transitions, 2, "what it has been through is not lost");
}

#[test]
fn r34_an_explanation_says_who_and_for_how_long() {
    let (circuit, time) = circuit();
    let order = |mode, limit, by| circuit.override_for(Override::Mode(mode), limit, by).unwrap();
    let says = || circuit.snapshot().explain();
    order(Mode::ForcedOpen, Some(MINUTE * 5), "10.0.0.7");
    time.advance(SECOND * 48);
    assert_eq!(says(), "forced open by 10.0.0.7 for another 4m 12s: every call is refused");
    order(Mode::Disabled, None, "10.0.0.7");
    time.advance(SECOND);
    assert_eq!(says(), "disabled by 10.0.0.7 for 1s: calls run and are only counted until reset()");
    order(Mode::ForcedOpen, Some(MINUTE), "");
    assert_eq!(says(), "forced open for another 1m: every call is refused, then disabled again");
    order(Mode::Normal, Some(MINUTE), "\u{1b}10.0.0.7\n");
    assert_eq!(
        says(),
        "closed: 0 of the 5 failures in a row that open it; \
         in normal mode by 10.0.0.7 for another 1m, then disabled again"
    );
}

#[test]
fn r34_an_override_is_in_the_json_of_its_circuit() {
    let (circuit, time) = circuit();
    let shown = || serde_json::to_value(circuit.snapshot()).unwrap()["override"].clone();
    assert_eq!(shown(), json!(null));
    circuit.disable();
    assert_eq!(
        shown(),
        json!({ "mode": "disabled", "by": "code", "left": null, "then": null, "number": 1 })
    );
    circuit.override_for(FORCED, Some(MINUTE), "10.0.0.7").unwrap();
    time.advance(SECOND / 2);
    assert_eq!(
        shown(),
        json!({ "mode": "forced_open", "by": "10.0.0.7", "left": 59.5, "then": "disabled", "number": 2 })
    );
    circuit.reset();
    assert_eq!(shown(), json!(null));
}

#[test]
fn r34_totals_add_up_across_the_end_of_an_override() {
    let (circuit, time) = circuit();
    circuit.override_for(Override::Mode(Mode::Disabled), Some(MINUTE), "").unwrap();
    let held = circuit.try_acquire().unwrap();
    circuit.try_acquire().unwrap().failure();
    time.advance(MINUTE);
    held.failure();
    circuit.override_for(FORCED, Some(MINUTE), "").unwrap();
    assert!(circuit.try_acquire().is_err());
    time.advance(MINUTE);
    circuit.try_acquire().unwrap().success();
    let snapshot = circuit.snapshot();
    let calls = snapshot.calls;
    assert_eq!((calls.started, calls.success, calls.failure, calls.late), (3, 1, 2, 1));
    assert_eq!((snapshot.in_flight, snapshot.rejected.forced_open), (0, 1));
    assert_eq!((snapshot.transitions, snapshot.consecutive_failures), (4, 0));
}
