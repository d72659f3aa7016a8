//! State that outlives the process (R31).

use std::time::Duration;

use breaker_runtime::{Cause, Config, EventKind, Registry, RejectedReason, Saved, State, TripKind};
use std::sync::mpsc::channel;

const HOUR: Duration = Duration::from_secs(3600);

/// A circuit with evidence against it, saved.
fn saved() -> Saved {
    let own = Registry::new();
    let mail = own.circuit("mail", Config::new().failure_threshold(2)).unwrap();
    own.circuit("fine", Config::new()).unwrap();
    mail.try_acquire().unwrap().failure();
    mail.try_acquire().unwrap().failure();
    own.save()
}

#[test]
fn r31_what_is_closed_is_not_saved() {
    let saved = saved();
    assert_eq!(saved.circuits.len(), 1);
    let mail = &saved.circuits[0];
    assert_eq!((mail.name.as_str(), mail.state), ("mail", State::Open));
    assert_eq!(mail.reason.unwrap().kind, TripKind::ConsecutiveFailures);
    assert!(mail.left > Duration::from_secs(50) && mail.left <= Duration::from_secs(60));
}

#[test]
fn r31_a_new_circuit_is_opened_for_what_is_left() {
    let mut saved = saved();
    saved.saved_at -= Duration::from_secs(20);
    let own = Registry::new();
    let mail = own.circuit("mail", Config::new()).unwrap();
    let (told, heard) = channel();
    let listening = own.subscribe_to_changes(move |event| {
        if let EventKind::Transition(transition) = &event.kind {
            let _ = told.send(transition.cause);
        }
    });
    assert_eq!(own.restore(&saved, HOUR).opened, ["mail"]);
    drop(listening);
    assert_eq!(heard.iter().collect::<Vec<_>>(), [Cause::Restored]);
    let rejected = mail.try_acquire().unwrap_err();
    assert_eq!(rejected.reason(), RejectedReason::Open);
    let left = rejected.retry_after().unwrap();
    assert!(left > Duration::from_secs(30) && left <= Duration::from_secs(40), "{left:?}");
    assert!(mail.snapshot().explain().contains("2 failures in a row"));
}

#[test]
fn r31_a_cooldown_that_is_over_allows_a_probe_at_once() {
    let mut saved = saved();
    saved.saved_at -= Duration::from_secs(100);
    let own = Registry::new();
    let mail = own.circuit("mail", Config::new()).unwrap();
    assert_eq!(own.restore(&saved, HOUR).opened, ["mail"]);
    let _probe = mail.try_acquire().unwrap();
    assert_eq!(mail.state(), State::HalfOpen);
}

#[test]
fn r31_escalation_goes_on() {
    let mut saved = saved();
    saved.circuits[0].reopenings = 2;
    saved.circuits[0].left = Duration::ZERO;
    let own = Registry::new();
    let growing = Config::new().cooldown(Duration::from_secs(1)).cooldown_multiplier(2.0);
    let mail = own.circuit("mail", growing).unwrap();
    own.restore(&saved, HOUR);
    mail.try_acquire().unwrap().failure();
    let left = mail.snapshot().retry_after.unwrap();
    assert!(left > Duration::from_secs(7) && left <= Duration::from_secs(8), "{left:?}");
}

#[test]
fn r31_no_time_is_restored_that_settings_do_not_allow() {
    let mut saved = saved();
    saved.circuits[0].left = Duration::MAX;
    let own = Registry::new();
    let mail = own.circuit("mail", Config::new().cooldown(Duration::from_secs(1))).unwrap();
    own.restore(&saved, HOUR);
    assert!(mail.snapshot().retry_after.unwrap() <= Duration::from_secs(10));
}

#[test]
fn r31_circuits_with_evidence_of_their_own_are_left_alone() {
    let uses: [fn(&Registry); 4] = [
        |own| own.get("mail").unwrap().try_acquire().unwrap().success(),
        |own| own.get("mail").unwrap().try_acquire().unwrap().failure(),
        |own| own.get("mail").unwrap().disable(),
        |own| own.get("mail").unwrap().reset(),
    ];
    for used in uses {
        let own = Registry::new();
        let mail = own.circuit("mail", Config::new()).unwrap();
        used(&own);
        let state = mail.state();
        let restored = own.restore(&saved(), HOUR);
        assert_eq!(restored.left_alone, [("mail".to_owned(), "it has evidence of its own")]);
        assert_eq!(mail.state(), state);
    }
}

#[test]
fn r31_ages_and_versions_that_do_not_fit_are_left_alone() {
    let own = Registry::new();
    own.circuit("mail", Config::new()).unwrap();
    let why = |saved: &Saved| own.restore(saved, HOUR).left_alone[0].1;
    let mut future = saved();
    future.saved_at += HOUR;
    assert_eq!(why(&future), "it was saved in the future");
    let mut past = saved();
    past.saved_at -= HOUR * 2;
    assert_eq!(why(&past), "it was saved too long ago");
    let mut other = saved();
    other.version = 2;
    assert_eq!(why(&other), "it was saved by another version");
    let mut forced = saved();
    forced.circuits[0].state = State::ForcedOpen;
    assert_eq!(why(&forced), "it was not open on evidence");
    assert_eq!(own.get("mail").unwrap().state(), State::Closed);
}

#[test]
fn r31_circuits_of_keys_are_saved_and_made_again() {
    let before = Registry::new();
    before.keyed("http", Config::new(), 8).unwrap().get("beta").trip();
    let after = Registry::new();
    let http = after.keyed("http", Config::new(), 8).unwrap();
    assert_eq!(after.restore(&before.save(), HOUR).opened, ["http/beta"]);
    assert_eq!(http.get("beta").state(), State::Open);
}

#[test]
fn r31_what_is_saved_can_be_written_and_read() {
    let saved = saved();
    let text = serde_json::to_string(&saved).unwrap();
    assert_eq!(serde_json::from_str::<Saved>(&text).unwrap(), saved);
    assert!(serde_json::from_str::<Saved>("{\"version\":1}").is_err());
}
