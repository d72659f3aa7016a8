//! Settings of a test, and assertions about them.

use breaker_runtime::{Config, circuit_breaker, registry, testing};

use super::{PriceError, down, message, price, tenant};
use crate::common::SECOND;

#[test]
fn settings_are_changed_for_one_test() {
    let test = testing::isolate();
    test.apply("prices.cooldown=1s, prices.failure_threshold=1");
    assert_eq!(price("pear"), down());
    assert_eq!(price("apple"), Err(PriceError::Refused(Some(SECOND))));
    testing::assert_settings("prices", "cooldown=1s, failure_threshold=1, success_threshold=1");
    drop(test);
    let _other = testing::isolate();
    testing::assert_settings("prices", "failure_threshold=3, cooldown=10s");
}

#[test]
fn settings_of_a_name_are_those_of_its_keys() {
    let test = testing::isolate();
    assert_eq!(tenant("old", true), Ok(3));
    test.apply("tenants.cooldown=2s");
    for key in ["old", "new"] {
        assert_eq!(tenant(key, false), down());
        assert_eq!(tenant(key, true), Err(PriceError::Refused(Some(SECOND * 2))));
    }
}

#[test]
fn every_mistake_is_told_and_nothing_is_changed() {
    let test = testing::isolate();
    let said = message(|| {
        test.apply("prices.cooldown=5, pricse.cooldown=1s, cooldown=1s, prices.failure_treshold=1");
    });
    for part in [
        "`apply` changes nothing",
        r#"circuit "prices": `cooldown` needs a unit"#,
        r#"did you mean "prices"?"#,
        "`cooldown=1s` needs the name of a circuit: write `name.option=value`",
        "did you mean `failure_threshold`?",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    testing::assert_settings("prices", "failure_threshold=3, cooldown=10s");
}

#[test]
fn settings_that_differ_are_told_with_their_sources() {
    let test = testing::isolate();
    test.apply("prices.success_threshold=2");
    let said = message(|| {
        testing::assert_settings(
            "prices",
            "failure_threshold=5, cooldown=10s, success_threshold=1, failure_rate=0.5, half_open_max_calls=1",
        );
    });
    assert!(said.starts_with("circuit \"prices\" has other settings:\n"), "{said}");
    let lines: Vec<_> = said.lines().skip(1).collect();
    assert_eq!(lines.len(), 4, "{said}");
    assert!(lines.iter().any(|line| line.starts_with(
        "  failure_threshold: expected 5, and it is 3, as testing::price (tests/testing.rs:"
    )));
    assert!(lines.iter().any(|line| {
        line.starts_with(
            "  success_threshold: expected 1, and it is 2, set by code after testing::price",
        )
    }));
    assert!(lines.contains(&"  failure_rate: expected 0.5, and it is off, by default"), "{said}");
    assert!(
        lines.contains(&"  half_open_max_calls: expected 1, and it is 3, by default"),
        "{said}"
    );
    let unknown = message(|| testing::assert_settings("pricse", "cooldown=1s"));
    assert!(unknown.contains(r#"did you mean "prices"?"#), "{unknown}");
    let unread = message(|| testing::assert_settings("prices", "cooldown=1"));
    assert!(unread.contains("cannot read") && unread.contains("needs a unit"), "{unread}");
}

#[test]
fn conflicts_fail_and_are_listed() {
    let _test = testing::isolate();
    testing::assert_no_conflicts();
    registry().get_or_create("prices", Config::new().failure_threshold(9)).unwrap();
    let said = message(testing::assert_no_conflicts);
    assert!(said.contains("prices") && said.contains("failure_threshold=9"), "{said}");
}

#[circuit_breaker(name = "dotted.name", cooldown = "10s")]
fn dotted() -> Option<()> {
    None
}

#[test]
fn a_name_may_hold_dots() {
    let test = testing::isolate();
    test.apply("dotted.name.cooldown=3s");
    testing::assert_settings("dotted.name", "cooldown=3s");
    assert_eq!(dotted(), None);
}
