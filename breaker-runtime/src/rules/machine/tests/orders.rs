//! Manual orders, permanent and timed, and how timed ones end.

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn ordered(bench: &Bench) -> Option<ModeOverride> {
    bench.read().mode_override
}

/// What a reading shows of the state.
fn shown(bench: &Bench) -> (State, Duration, u64) {
    let reading = bench.read();
    (reading.state, reading.since, reading.epoch)
}

fn causes(bench: &mut Bench) -> Vec<String> {
    bench.machine.take_news().iter().map(ToString::to_string).collect()
}

#[test]
fn r34_an_order_with_a_limit_ends_at_its_deadline() {
    for (mode, state) in [(Mode::ForcedOpen, State::ForcedOpen), (Mode::Disabled, State::Disabled)]
    {
        let mut bench = Bench::new(Config::new());
        bench.order(mode, Some(MINUTE));
        bench.wait(MINUTE - NANO);
        assert_eq!(shown(&bench), (state, MINUTE - NANO, 1));
        assert_eq!(bench.admit().is_err(), mode == Mode::ForcedOpen);
        bench.wait(NANO);
        bench.admit().expect("closed again");
        assert_eq!(shown(&bench), (State::Closed, Duration::ZERO, 2));
    }
}

#[test]
fn r34_a_reading_shows_an_order_as_ended_and_changes_nothing() {
    let mut bench = Bench::new(Config::new());
    bench.calls(2, FAILED);
    bench.order(Mode::ForcedOpen, Some(MINUTE));
    bench.machine.take_news();
    bench.wait(MINUTE + SECOND);
    let reading = bench.read();
    assert_eq!((reading.state, reading.since, reading.epoch), (State::Closed, SECOND, 2));
    assert_eq!((reading.consecutive_failures, reading.tally), (0, Tally::default()));
    assert_eq!(reading.consecutive_successes, Some(0));
    assert_eq!(reading.past.transitions.total(), 2);
    assert_eq!(
        bench.machine.past(bench.now),
        reading.past,
        "nor is it lost with a circuit that goes"
    );
    assert_eq!((reading.mode_override, reading.trip_reason), (None, None));
    assert_eq!(bench.machine.state_at(bench.now), State::Closed);
    assert_eq!((bench.state(), causes(&mut bench)), (State::ForcedOpen, vec![]), "not yet");

    let before = format!("{reading:?}", reading = bench.read());
    bench.admit().unwrap();
    assert_eq!(format!("{:?}", bench.read()), before, "what was shown is what came");
    assert_eq!(causes(&mut bench), ["forced_open -> closed: the override ended"]);
}

#[test]
fn r34_every_call_and_control_takes_note_of_an_end() {
    let acts: [Act; 4] =
        [|bench| _ = bench.admit(), Bench::trip, Bench::force_open, Bench::disable];
    for act in acts {
        let mut bench = Bench::new(Config::new());
        bench.order(Mode::ForcedOpen, Some(MINUTE));
        bench.wait(MINUTE);
        act(&mut bench);
        let first = causes(&mut bench).into_iter().nth(1);
        assert_eq!(first.unwrap(), "forced_open -> closed: the override ended");
    }
}

#[test]
fn r34_an_outcome_that_comes_after_the_end_is_late() {
    for call in [GOOD, FAILED, IGNORED, CANCELLED] {
        let mut bench = Bench::new(Config::new().failure_threshold(1));
        bench.order(Mode::Disabled, Some(MINUTE));
        let ticket = bench.admit().unwrap();
        bench.wait(MINUTE);
        assert_eq!(bench.settle(ticket, call), Settlement::Late);
        assert_eq!(bench.state(), State::Closed);
    }
}

#[test]
fn r34_the_end_of_an_order_undoes_nothing_that_came_later() {
    let later: [(Act, State); 5] = [
        (Bench::force_open, State::ForcedOpen),
        (Bench::disable, State::Disabled),
        (|bench| bench.order(Mode::ForcedOpen, Some(MINUTE * 2)), State::ForcedOpen),
        (|bench| bench.order(Mode::ForcedOpen, Some(Duration::MAX)), State::ForcedOpen),
        (
            |bench| {
                bench.reset();
                bench.trip();
            },
            State::Open,
        ),
    ];
    for (order, state) in later {
        let mut bench = Bench::new(Config::new().cooldown(Duration::MAX));
        bench.order(Mode::ForcedOpen, Some(MINUTE));
        order(&mut bench);
        bench.wait(MINUTE);
        assert_eq!(bench.machine.state_at(bench.now), state);
        assert!(bench.admit().is_err() || state == State::Disabled);
        assert_eq!(bench.state(), state);
    }
}

#[test]
fn r34_an_order_that_repeats_the_state_is_another_order() {
    let mut bench = Bench::new(Config::new());
    bench.order(Mode::ForcedOpen, Some(MINUTE));
    bench.wait(SECOND);
    bench.force_open();
    assert_eq!(shown(&bench), (State::ForcedOpen, SECOND, 1), "nothing changed, but who wants it");
    let now = ordered(&bench).unwrap();
    assert_eq!((now.number, now.by.as_deref(), now.left, now.then), (2, Some("code"), None, None));
}

#[test]
fn r34_a_circuit_returns_to_the_permanent_order_that_stood_before() {
    let mut bench = Bench::new(Config::new());
    bench.disable();
    bench.order(Mode::ForcedOpen, Some(MINUTE));
    bench.order(Mode::ForcedOpen, Some(MINUTE * 2));
    let timed = ordered(&bench).unwrap();
    assert_eq!((timed.mode, timed.number), (Mode::ForcedOpen, 3));
    assert_eq!((timed.left, timed.then), (Some(MINUTE * 2), Some(Mode::Disabled)));
    bench.wait(MINUTE * 2);
    assert_eq!(ordered(&bench).unwrap().number, 1);
    bench.admit().unwrap();
    assert_eq!(bench.state(), State::Disabled);
    assert_eq!(causes(&mut bench).last().unwrap(), "forced_open -> disabled: the override ended");
}

#[test]
fn r34_an_end_that_changes_no_mode_is_no_event() {
    let mut bench = Bench::new(Config::new());
    bench.force_open();
    bench.order(Mode::ForcedOpen, Some(MINUTE));
    assert_eq!(bench.admit(), Err(Refusal::new(RejectedReason::ForcedOpen)), "nor is it near");
    bench.machine.take_news();
    bench.wait(MINUTE);
    assert_eq!(bench.admit(), Err(Refusal::new(RejectedReason::ForcedOpen)));
    assert_eq!((shown(&bench), causes(&mut bench)), ((State::ForcedOpen, MINUTE, 1), vec![]));
    assert_eq!(ordered(&bench).unwrap().number, 1);

    // Run as usual for a time where nothing else was ordered: there is nothing to return to.
    let mut bench = Bench::new(Config::new().cooldown(MINUTE * 9));
    bench.order(Mode::Normal, Some(MINUTE));
    bench.trip();
    bench.wait(MINUTE);
    assert!(bench.admit().is_err());
    assert_eq!((bench.state(), ordered(&bench)), (State::Open, None));
}

#[test]
fn r34_a_circuit_runs_as_usual_for_a_time() {
    let mut bench = Bench::new(Config::new().cooldown(SECOND).probe_timeout(SECOND));
    bench.force_open();
    bench.order(Mode::Normal, Some(MINUTE));
    bench.calls(5, FAILED);
    assert_eq!(bench.state(), State::Open);
    bench.wait(SECOND);
    bench.admit().expect("a probe");
    bench.machine.take_news();
    bench.wait(MINUTE * 2);
    let expected = format!("{:?}", bench.read());
    assert_eq!(bench.admit(), Err(Refusal::new(RejectedReason::ForcedOpen)));
    assert_eq!(
        causes(&mut bench),
        ["half_open -> open: 1 probe failed", "open -> forced_open: the override ended"],
        "the probe was lost before that"
    );
    assert_eq!(format!("{:?}", bench.read()), expected);
    assert_eq!(bench.read().since, MINUTE + SECOND);
}

#[test]
fn r34_a_probe_is_lost_before_an_order_that_ends_at_the_same_time() {
    let config = Config::new().cooldown(SECOND).probe_timeout(SECOND).failure_threshold(1);
    let mut bench = Bench::new(config);
    bench.force_open();
    bench.order(Mode::Normal, Some(SECOND * 2));
    bench.call(FAILED);
    bench.wait(SECOND);
    bench.admit().expect("a probe");
    bench.wait(SECOND);
    assert!(bench.admit().is_err());
    let last = causes(&mut bench).split_off(4);
    assert_eq!(
        last,
        ["half_open -> open: 1 probe failed", "open -> forced_open: the override ended"]
    );
}

#[test]
fn r34_the_word_holds_no_longer_than_the_order() {
    let mut bench = Bench::new(Config::new().cooldown(MINUTE * 9));
    bench.force_open();
    bench.order(Mode::Normal, Some(MINUTE));
    let end = bench.now.after(MINUTE);
    assert!(bench.machine.is_closed_for_a_time());
    assert_eq!(bench.machine.holds_until(), end);
    bench.trip();
    assert_eq!(bench.machine.holds_until(), Instant::ZERO, "a refusal tells the cooldown's end");
    assert_eq!(bench.admit().unwrap_err().left.as_duration(), Some(MINUTE * 9));
    bench.reset();
    assert!(!bench.machine.is_closed_for_a_time());
    assert_eq!(bench.machine.holds_until(), Instant::NEVER);
}

#[test]
fn r34_an_order_without_an_end_lasts_until_the_next() {
    for limit in [None, Some(Duration::MAX)] {
        let mut bench = Bench::new(Config::new());
        bench.order(Mode::ForcedOpen, limit);
        bench.now = Instant::NEVER;
        assert_eq!(bench.admit(), Err(Refusal::new(RejectedReason::ForcedOpen)));
        let ordered = ordered(&bench).unwrap();
        assert_eq!((ordered.left, ordered.then), (None, None));
        bench.reset();
        assert_eq!((bench.state(), bench.read().mode_override), (State::Closed, None));
    }
}

#[test]
fn r34_a_refusal_of_a_timed_order_knows_its_end() {
    let mut bench = Bench::new(Config::new());
    bench.order(Mode::ForcedOpen, Some(MINUTE));
    bench.wait(SECOND);
    let refusal = bench.admit().unwrap_err();
    assert_eq!(refusal.left, Left::from_nanos(crate::rules::nanos(MINUTE - SECOND)));
    assert_eq!(refusal.retry_after(), None, "that is for open circuits");
}

#[test]
fn r34_a_clock_that_goes_back_does_not_prolong_an_order() {
    let mut bench = Bench::new(Config::new());
    let begin = bench.now;
    bench.wait(MINUTE);
    bench.order(Mode::ForcedOpen, Some(MINUTE));
    bench.now = begin;
    assert_eq!(ordered(&bench).unwrap().left, Some(MINUTE));
    bench.wait(MINUTE * 2);
    assert_eq!((ordered(&bench), shown(&bench).0), (None, State::Closed));
}
