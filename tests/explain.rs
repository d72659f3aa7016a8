//! What a circuit says of itself, word by word.

mod common;

use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::{Advice, CircuitBreaker, Config, FleetView, ManualClock, Opening, Permit};
use common::{COOLDOWN, SECOND, circuit, due, fail, pass_cooldown, succeed};

#[track_caller]
fn says(circuit: &CircuitBreaker, expected: &str) {
    assert_eq!(circuit.snapshot().explain(), expected);
}

#[test]
fn a_healthy_circuit_says_how_far_it_is_from_opening() {
    let (circuit, _) = circuit(Config::new());
    says(&circuit, "closed: 0 of the 5 failures in a row that open it");
    fail(&circuit, 3);
    says(&circuit, "closed: 3 of the 5 failures in a row that open it");
    succeed(&circuit, 1);
    says(&circuit, "closed: 0 of the 5 failures in a row that open it");
}

#[test]
fn a_circuit_with_a_rate_says_how_many_calls_it_needs_to_judge() {
    let (circuit, _) = circuit(Config::new().failure_rate(0.5));
    says(&circuit, "closed: 0 of the 10 calls needed before a rate is judged");
    fail(&circuit, 3);
    says(&circuit, "closed: 3 of the 10 calls needed before a rate is judged");
}

#[test]
fn a_circuit_with_a_rate_says_how_near_it_is_to_its_limit() {
    let (circuit, _) = circuit(Config::new().failure_rate(0.5));
    succeed(&circuit, 10);
    fail(&circuit, 2);
    says(&circuit, "closed: 16.7% of the last 12 calls failed, 50% opens it");
}

#[test]
fn r02_a_rate_that_was_reached_by_a_success_is_judged_at_the_next_failure() {
    let (circuit, _) = circuit(Config::new().failure_rate(0.5).minimum_calls(4));
    fail(&circuit, 3);
    succeed(&circuit, 1);
    says(
        &circuit,
        "closed: 75% of the last 4 calls failed, 50% opens it; judged at the next failure",
    );
}

#[test]
fn r26_a_circuit_that_calls_opened_by_hanging_says_so() {
    let in_flight = |config: Config, calls: usize| {
        let (circuit, time) = circuit(config.hung_after(SECOND * 30));
        let circuit = Arc::new(circuit);
        let held: Vec<_> = (0..calls).map(|_| circuit.try_acquire_owned().unwrap()).collect();
        time.advance(SECOND * 34);
        let _ = circuit.try_acquire().map(Permit::failure);
        time.advance(SECOND * 3);
        (circuit, held)
    };
    let (circuit, _held) = in_flight(Config::new(), 12);
    says(&circuit, "open for 3s: 12 calls hung for over 30s; probes in 57s");
    circuit.reconfigure(Config::new()).unwrap();
    says(&circuit, "open for 3s: 12 calls hung; probes in 57s");
    let (circuit, _held) = in_flight(Config::new().failure_threshold(1), 1);
    says(&circuit, "open for 3s: 1 call hung for over 30s; probes in 57s");
    let (circuit, _held) = in_flight(Config::new(), 4);
    says(&circuit, "open for 3s: 5 failures in a row, 4 of them hung for over 30s; probes in 57s");
    let (circuit, _held) = in_flight(Config::new().failure_rate(1.0).minimum_calls(3), 3);
    let words = "3 of the last 3 calls failed, and 3 hung for over 30s since the last success";
    says(&circuit, &format!("open for 3s: {words}; probes in 57s"));
    let rate = Config::new().failure_rate(1.0).minimum_calls(1);
    let (circuit, _held) = in_flight(rate, 1);
    says(&circuit, "open for 3s: the last call hung for over 30s; probes in 57s");
}

#[test]
fn r27_a_circuit_that_recovers_says_which_share_runs_and_until_when() {
    let config = Config::new().success_threshold(1).recovery(SECOND * 30);
    let (circuit, time) = due(config);
    succeed(&circuit, 1);
    says(&circuit, "recovering for 0s: 10% of the calls run, all in 30s");
    time.advance(SECOND * 10);
    says(&circuit, "recovering for 10s: 40% of the calls run, all in 20s");
    time.advance(SECOND * 20);
    says(&circuit, "recovering for 30s: 100% of the calls run; the next call closes it");
    circuit.reconfigure(Config::new()).unwrap();
    says(&circuit, "recovering for 30s: 100% of the calls run; the next call closes it");
}

#[test]
fn r28_a_circuit_that_a_failure_asked_to_open_says_for_how_long() {
    let (circuit, time) = circuit(Config::new());
    circuit.try_acquire().unwrap().failure_for(SECOND * 120);
    time.advance(SECOND * 30);
    says(&circuit, "open for 30s: a failure asked for 2m; probes in 1m 30s");
    circuit.reset();
    circuit.try_acquire().unwrap().failure_for(SECOND * 9_000);
    says(&circuit, "open for 0s: a failure asked for 10m; probes in 10m");
}

#[test]
fn a_circuit_with_a_run_and_two_rates_says_all_three() {
    let config = Config::new().failure_threshold(5).failure_rate(0.5).slow_call(SECOND);
    let (circuit, time) = circuit(config.slow_call_rate(0.25));
    says(
        &circuit,
        "closed: 0 of the 5 failures in a row that open it; \
         0 of the 10 calls needed before a rate is judged",
    );
    succeed(&circuit, 8);
    let slow = circuit.try_acquire().unwrap();
    time.advance(SECOND * 2);
    slow.success();
    fail(&circuit, 1);
    says(
        &circuit,
        "closed: 1 of the 5 failures in a row that open it; \
         10% of the last 10 calls failed, 50% opens it; \
         10% of the last 10 calls took longer than 1s, 25% opens it",
    );
}

#[test]
fn an_open_circuit_says_why_since_when_and_until_when() {
    let (circuit, time) = circuit(Config::new().cooldown(COOLDOWN));
    fail(&circuit, 5);
    says(&circuit, "open for 0s: 5 failures in a row; probes in 1m");
    time.advance(SECOND * 12);
    says(&circuit, "open for 12s: 5 failures in a row; probes in 48s");
    time.advance(SECOND * 78);
    says(&circuit, "open for 1m 30s: 5 failures in a row; the next call is a probe");
}

#[test]
fn an_open_circuit_names_the_rate_that_opened_it() {
    let (failing, _) = circuit(Config::new().failure_rate(0.5));
    succeed(&failing, 5);
    fail(&failing, 5);
    says(&failing, "open for 0s: 5 of the last 10 calls failed; probes in 1m");

    let (slow, time) = circuit(Config::new().slow_call(SECOND).minimum_calls(2));
    for _ in 0..2 {
        let permit = slow.try_acquire().unwrap();
        time.advance(SECOND * 2);
        permit.success();
    }
    says(
        &slow,
        "open for 0s: 100% of the last 2 calls took longer than 1s (limit 50%): p50 is over slow_call; probes in 1m",
    );
}

#[test]
fn an_open_circuit_names_the_person_that_opened_it() {
    let (circuit, _) = circuit(Config::new());
    circuit.trip();
    says(&circuit, "open for 0s: trip(); probes in 1m");
}

/// A circuit whose only probe after each cooldown of 20 seconds has failed, that many times.
fn reopened(config: Config, times: u32) -> (CircuitBreaker, ManualClock) {
    let (circuit, time) = circuit(config.cooldown(SECOND * 20));
    succeed(&circuit, 1);
    fail(&circuit, 19);
    for _ in 0..times {
        time.advance(SECOND * 20);
        fail(&circuit, 1);
    }
    (circuit, time)
}

#[test]
fn a_circuit_that_opened_again_says_since_when_it_is_not_closed_and_why_at_first() {
    let config = Config::new().failure_rate(0.95).minimum_calls(20);
    let (circuit, time) = reopened(config, 21);
    time.advance(SECOND * 12);
    says(
        &circuit,
        "open for 12s, not closed for 7m 12s: at first 19 of the last 20 calls failed; \
         21 re-openings since; probes in 8s",
    );
    time.advance(SECOND * 8);
    let _probe = circuit.try_acquire().unwrap();
    says(
        &circuit,
        "half-open for 0s, not closed for 7m 20s: at first 19 of the last 20 calls failed; \
         21 re-openings since; 0 of 3 probe successes to close, \
         0 of 1 probe failure to open again, 1 of 3 in flight",
    );
    circuit.reset();
    says(&circuit, "closed: 0 of the 20 calls needed before a rate is judged");
}

#[test]
fn r27_a_recovering_circuit_that_opened_again_says_since_when_it_is_not_closed() {
    let config = Config::new().failure_threshold(19).success_threshold(1).recovery(SECOND * 30);
    let (circuit, time) = reopened(config, 1);
    time.advance(SECOND * 20);
    succeed(&circuit, 1);
    time.advance(SECOND * 10);
    says(
        &circuit,
        "recovering for 10s, not closed for 50s: at first 19 failures in a row; \
         1 re-opening since; 40% of the calls run, all in 20s",
    );
}

#[test]
fn a_circuit_that_opened_again_says_why_if_that_was_not_its_probes() {
    let (circuit, time) = reopened(Config::new().failure_threshold(19), 0);
    time.advance(SECOND * 20);
    circuit.try_acquire().unwrap().failure_for(SECOND * 300);
    says(
        &circuit,
        "open for 0s, not closed for 20s: at first 19 failures in a row; 1 re-opening since, \
         the last: a failure asked for 5m; probes in 5m",
    );
}

#[test]
fn a_single_failure_is_not_plural() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    fail(&circuit, 1);
    says(&circuit, "open for 0s: 1 failure in a row; probes in 1m");
}

#[test]
fn r17_a_circuit_that_is_open_until_reset_says_so() {
    let (circuit, _) = circuit(Config::new().cooldown(Duration::MAX));
    circuit.trip();
    says(&circuit, "open for 0s: trip(); stays open until reset()");
}

#[test]
fn a_half_open_circuit_says_what_its_probes_have_found() {
    let (circuit, time) = circuit(Config::new().failure_threshold(5));
    fail(&circuit, 5);
    pass_cooldown(&circuit, &time);
    let _in_flight = circuit.try_acquire().unwrap();
    succeed(&circuit, 1);
    time.advance(SECOND);
    says(
        &circuit,
        "half-open for 1s after 5 failures in a row: 1 of 3 probe successes to close, \
         0 of 1 probe failure to open again, 1 of 3 in flight",
    );
}

#[test]
fn r12_a_half_open_circuit_says_how_many_probes_were_lost() {
    let config = Config::new().failure_threshold(1).success_threshold(1);
    let (circuit, time) = circuit(config.half_open_failure_threshold(2).probe_timeout(SECOND));
    fail(&circuit, 1);
    pass_cooldown(&circuit, &time);
    let _lost = circuit.try_acquire().unwrap();
    time.advance(SECOND);
    let _in_flight = circuit.try_acquire().unwrap();
    says(
        &circuit,
        "half-open for 1s after 1 failure in a row: 0 of 1 probe success to close, \
         1 of 2 probe failures to open again, 1 of 3 in flight (1 lost)",
    );
}

#[test]
fn what_a_person_set_says_how_to_undo_it() {
    let (circuit, time) = circuit(Config::new());
    circuit.force_open();
    time.advance(SECOND * 90);
    says(&circuit, "forced open for 1m 30s: every call is refused until reset()");
    circuit.disable();
    time.advance(Duration::from_millis(250));
    says(&circuit, "disabled for 250ms: calls run and are only counted until reset()");
    circuit.reset();
    says(&circuit, "closed: 0 of the 5 failures in a row that open it");
}

/// What three votes of eight members say, for a minute.
fn verdict() -> Advice {
    Advice::Open(Opening::new(COOLDOWN).votes(3).of_members(8).needed(3))
}

fn advise(circuit: &CircuitBreaker, advice: Advice) {
    circuit.advise(advice, Duration::from_secs(600));
}

/// A circuit of a fleet in which three votes are needed.
fn view(votes: u32) -> FleetView {
    let mut view = FleetView::default();
    (view.policy, view.votes, view.needed, view.members, view.settings) =
        ("quorum", votes, 3, 8, votes.min(1));
    view
}

/// What the circuit says if the fleet says that about it.
#[track_caller]
fn says_in_fleet(circuit: &CircuitBreaker, fleet: FleetView, expected: &str) {
    let mut snapshot = circuit.snapshot();
    snapshot.fleet = Some(fleet);
    assert_eq!(snapshot.explain(), expected);
}

#[test]
fn f03_a_circuit_says_how_many_votes_are_missing() {
    let (circuit, _) = circuit(Config::new());
    says_in_fleet(&circuit, view(0), "closed: 0 of the 5 failures in a row that open it");
    says_in_fleet(
        &circuit,
        view(2),
        "closed: 0 of the 5 failures in a row that open it; \
         2 of 3 votes needed to open it everywhere",
    );
    fail(&circuit, 5);
    says_in_fleet(
        &circuit,
        view(1),
        "open for 0s: 5 failures in a row; probes in 1m; \
         1 of 3 votes needed to open it everywhere",
    );
}

#[test]
fn f04_a_circuit_that_the_fleet_opened_says_so_once() {
    let (circuit, _) = circuit(Config::new());
    advise(&circuit, verdict());
    says_in_fleet(
        &circuit,
        view(3),
        "open for 0s: 3 of 8 members voted to open it; one member probes in 1m",
    );
}

#[test]
fn f04_a_circuit_that_opened_itself_says_that_others_did_too() {
    let (circuit, _) = circuit(Config::new());
    fail(&circuit, 5);
    advise(&circuit, verdict());
    says_in_fleet(
        &circuit,
        view(3),
        "open for 0s: 5 failures in a row; one member probes in 1m; 3 members voted to open it",
    );
}

#[test]
fn f04_a_circuit_that_does_not_follow_the_fleet_says_why() {
    let (circuit, _) = circuit(Config::new());
    succeed(&circuit, 10);
    advise(&circuit, verdict());
    let expected = "closed: 0 of the 5 failures in a row that open it; \
                    3 of 8 members voted to open it, but its own calls are good";
    says(&circuit, expected);
    says_in_fleet(&circuit, view(3), expected);
}

#[test]
fn f05_an_open_circuit_says_who_probes() {
    let (circuit, time) = circuit(Config::new());
    advise(&circuit, verdict());
    time.advance(COOLDOWN);
    let begin = "open for 1m: 3 of 8 members voted to open it; ";
    says(&circuit, &format!("{begin}the next call asks the fleet to probe"));
    advise(&circuit, Advice::Wait(SECOND * 12));
    says(&circuit, &format!("{begin}another member probes, for 12s at most"));
    advise(&circuit, Advice::Probe(SECOND * 30));
    says(&circuit, &format!("{begin}the next call is a probe for all members"));
    let _probe = circuit.try_acquire().unwrap();
    time.advance(SECOND * 20);
    says(
        &circuit,
        "half-open for 20s after 3 of 8 members voted to open it: 0 of 3 probe successes to close, \
         0 of 1 probe failure to open again, 1 of 3 in flight; \
         it probes for all members, for another 10s",
    );
}

#[test]
fn f08_only_a_circuit_that_is_not_closed_says_that_it_acts_as_if_alone() {
    let (circuit, time) = circuit(Config::new());
    let away = FleetView::default();
    says_in_fleet(&circuit, away.clone(), "closed: 0 of the 5 failures in a row that open it");
    fail(&circuit, 5);
    says_in_fleet(
        &circuit,
        away.clone(),
        "open for 0s: 5 failures in a row; probes in 1m; acts as if alone, because the fleet is not connected",
    );
    pass_cooldown(&circuit, &time);
    let _probe = circuit.try_acquire().unwrap();
    says_in_fleet(
        &circuit,
        away.clone(),
        "half-open for 0s after 5 failures in a row: 0 of 3 probe successes to close, \
         0 of 1 probe failure to open again, 1 of 3 in flight; \
         acts as if alone, because the fleet is not connected",
    );
    circuit.force_open();
    says_in_fleet(&circuit, away, "forced open for 0s: every call is refused until reset()");
}

#[test]
fn f08_a_circuit_that_still_goes_by_advice_does_not_say_that_it_is_alone() {
    let (circuit, _) = circuit(Config::new());
    advise(&circuit, verdict());
    says_in_fleet(
        &circuit,
        FleetView::default(),
        "open for 0s: 3 of 8 members voted to open it; one member probes in 1m",
    );
}

#[test]
fn f12_a_circuit_says_that_members_disagree_about_its_settings() {
    let (circuit, _) = circuit(Config::new());
    let mut split = view(2);
    split.settings = 2;
    says_in_fleet(
        &circuit,
        split.clone(),
        "closed: 0 of the 5 failures in a row that open it; \
         2 of 3 votes needed to open it everywhere; \
         members disagree about its settings (2 different)",
    );
    circuit.disable();
    says_in_fleet(&circuit, split, "disabled for 0s: calls run and are only counted until reset()");
}
