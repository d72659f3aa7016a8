//! States that a test puts a circuit into, and what it reads of them.

use breaker_runtime::{State, testing};

use super::{PriceError, down, message, price, tenant};
use crate::common::SECOND;

#[test]
fn a_test_opens_half_opens_and_closes_a_circuit_from_any_state() {
    let test = testing::isolate();
    let prepare: [fn(&testing::Isolated); 5] = [
        |test| test.close("prices"),
        |test| test.open("prices"),
        |test| test.half_open("prices"),
        |test| test.circuit("prices").force_open(),
        |test| test.circuit("prices").disable(),
    ];
    for prepare in prepare {
        prepare(&test);
        test.open("prices");
        assert_eq!(price("apple"), Err(PriceError::Refused(Some(SECOND * 10))));
        prepare(&test);
        test.half_open("prices");
        let snapshot = test.circuit("prices").snapshot();
        assert_eq!((snapshot.state, snapshot.probes.in_flight), (State::HalfOpen, 0));
        prepare(&test);
        test.close("prices");
        assert_eq!(price("apple"), Ok(99));
    }
}

#[test]
fn a_circuit_that_is_open_opens_for_another_cooldown() {
    let test = testing::isolate();
    test.open("prices");
    test.advance(SECOND * 10);
    test.open("prices");
    assert_eq!(price("apple"), Err(PriceError::Refused(Some(SECOND * 10))));
    test.advance(SECOND * 9);
    assert_eq!(price("apple"), Err(PriceError::Refused(Some(SECOND))));
    test.advance(SECOND);
    assert_eq!(price("apple"), Ok(99));
}

#[test]
fn a_half_open_circuit_takes_the_next_call_as_a_probe() {
    let test = testing::isolate();
    test.half_open("prices");
    assert_eq!(test.transitions("prices"), "closed -> open -> half_open");
    assert_eq!(price("pear"), down());
    assert_eq!(test.transitions("prices"), "closed -> open -> half_open -> open");
    test.half_open("prices");
    assert_eq!(price("apple"), Ok(99));
    let last = test.events("prices").pop().unwrap();
    assert_eq!(last.to_string(), "half_open -> closed: 1 good probe");
}

#[test]
fn a_circuit_that_becomes_half_open_has_no_probe_in_flight() {
    let test = testing::isolate();
    test.apply("prices.half_open_max_calls=1");
    test.half_open("prices");
    let circuit = test.circuit("prices");
    let probe = circuit.try_acquire().unwrap();
    test.half_open("prices");
    assert_eq!(circuit.snapshot().probes.in_flight, 0);
    assert_eq!(price("apple"), Ok(99));
    drop(probe);
}

#[test]
fn the_mode_of_settings_stays() {
    let test = testing::isolate();
    for (mode, state) in [("forced_open", State::ForcedOpen), ("disabled", State::Disabled)] {
        test.apply(&format!("prices.mode={mode}"));
        for act in [testing::Isolated::open, testing::Isolated::half_open, testing::Isolated::close]
        {
            act(&test, "prices");
            assert_eq!(test.circuit("prices").state(), state);
        }
    }
    test.apply("prices.mode=observe");
    test.open("prices");
    assert_eq!((price("apple"), test.circuit("prices").state()), (Ok(99), State::Open));
    assert_eq!(test.circuit("prices").snapshot().would_reject.open, 1);
}

#[test]
fn failures_count_as_those_of_calls() {
    let test = testing::isolate();
    test.fail("prices", 2);
    assert_eq!(test.circuit("prices").snapshot().consecutive_failures, 2);
    assert_eq!(price("pear"), down());
    assert_eq!(test.transitions("prices"), "closed -> open");
    let said = message(|| test.fail("prices", 1));
    assert!(said.starts_with("only 0 of 1 calls could fail: circuit \"prices\" is open"), "{said}");
    assert!(said.contains("test.close"), "{said}");
}

#[test]
fn transitions_compare_with_text_and_show_it() {
    let test = testing::isolate();
    let before = test.transitions("prices");
    assert_eq!(before, "closed");
    test.close("prices");
    assert_eq!(test.transitions("prices"), before, "a reset of a closed circuit is no transition");
    test.open("prices");
    let after = test.transitions("prices");
    assert_eq!(after, String::from("closed -> open"));
    assert_eq!(after.to_string(), "closed -> open");
    assert_eq!(format!("{after:?}"), r#""closed -> open""#);
    assert_eq!(after.states(), [State::Closed, State::Open]);
}

#[test]
fn events_are_those_of_one_circuit_in_order() {
    let test = testing::isolate();
    test.fail("prices", 3);
    assert!(price("apple").is_err());
    test.close("prices");
    let events: Vec<_> = test.events("prices").iter().map(ToString::to_string).collect();
    assert_eq!(
        events,
        [
            "closed -> open: 3 failures in a row",
            "call rejected: open; retry in 10s",
            "open -> closed: reset()"
        ]
    );
    assert!(test.events("tenants").is_empty());
}

#[test]
fn the_circuit_of_a_key_can_be_named_before_its_first_call() {
    let test = testing::isolate();
    test.open("tenants/a");
    assert_eq!(tenant("a", true), Err(PriceError::Refused(Some(SECOND * 10))));
    assert_eq!(tenant("b", true), Ok(1));
    assert_eq!(test.transitions("tenants/a"), "closed -> open");
}

#[test]
fn a_name_that_no_circuit_has_is_answered_with_the_nearest() {
    let test = testing::isolate();
    let acts: [fn(&testing::Isolated); 8] = [
        |test| test.open("pricse"),
        |test| test.half_open("pricse"),
        |test| test.close("pricse"),
        |test| test.fail("pricse", 1),
        |test| drop(test.circuit("pricse")),
        |test| drop(test.transitions("pricse")),
        |test| drop(test.events("pricse")),
        |test| test.fault("pricse", testing::Fault::refuse()),
    ];
    for act in acts {
        let said = message(|| act(&test));
        assert!(said.contains(r#""pricse" is unknown; did you mean "prices"?"#), "{said}");
    }
}

#[test]
fn a_function_without_keys_has_no_circuit_of_a_key() {
    let test = testing::isolate();
    let acts: [fn(&testing::Isolated); 4] = [
        |test| test.open("prices/apple"),
        |test| test.fail("prices/apple", 1),
        |test| drop(test.events("prices/apple")),
        |test| test.fault("prices/apple", testing::Fault::refuse()),
    ];
    for act in acts {
        let said = message(|| act(&test));
        assert!(said.contains(r#""prices/apple" is unknown; did you mean"#), "{said}");
    }
    assert!(test.registry().get("prices/apple").is_none());
}
