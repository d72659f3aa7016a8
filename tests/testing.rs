//! The kit for tests of guarded code: `breaker_runtime::testing`.
//!
//! All tests use the same few functions, at the same time: that they do not disturb each other is the point.

#[path = "testing/clocks.rs"]
mod clocks;
mod common;
#[path = "testing/entering.rs"]
mod entering;
#[path = "testing/faults.rs"]
mod faults;
#[path = "testing/many.rs"]
mod many;
#[path = "testing/runners.rs"]
mod runners;
#[path = "testing/settings.rs"]
mod settings;
#[path = "testing/states.rs"]
mod states;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use breaker_runtime::{CallError, Rejected, State, TimedOut, circuit_breaker, registry, testing};
use common::SECOND;

#[derive(Clone, Debug, PartialEq)]
enum PriceError {
    Refused(Option<Duration>),
    Late,
    Down,
}

impl From<Rejected> for PriceError {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected.retry_after())
    }
}

impl From<TimedOut> for PriceError {
    fn from(_: TimedOut) -> Self {
        Self::Late
    }
}

fn down<T>() -> Result<T, PriceError> {
    Err(PriceError::Down)
}

#[circuit_breaker(name = "prices", failure_threshold = 3, cooldown = "10s", success_threshold = 1)]
fn price(sku: &str) -> Result<u32, PriceError> {
    if sku == "apple" { Ok(99) } else { down() }
}

#[circuit_breaker(name = "prices", fallback = |_| Ok(1))]
fn cached(sku: &str) -> Result<u32, PriceError> {
    if sku == "apple" { Ok(99) } else { down() }
}

#[circuit_breaker(name = "tenants", key = tenant, failure_threshold = 1, cooldown = "10s")]
fn tenant(tenant: &str, up: bool) -> Result<usize, PriceError> {
    if up { Ok(tenant.len()) } else { down() }
}

/// The message of a panic.
#[track_caller]
fn message<R>(act: impl FnOnce() -> R) -> String {
    let payload = common::caught(act);
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .expect("a panic with a message")
}

/// What a new user writes first, with one line more for each test. They pass in any order, and at once.
mod nine {
    use super::*;

    #[test]
    fn a_price_is_found() {
        let _test = testing::isolate();
        assert_eq!(price("apple"), Ok(99));
    }

    #[test]
    fn an_error_comes_back() {
        let _test = testing::isolate();
        assert_eq!(price("pear"), down());
    }

    #[test]
    fn three_errors_open_the_circuit() {
        let _test = testing::isolate();
        for _ in 0..3 {
            assert_eq!(price("pear"), down());
        }
        assert_eq!(registry().get("prices").unwrap().state(), State::Open);
        assert!(matches!(price("apple"), Err(PriceError::Refused(_))));
    }

    #[test]
    fn two_errors_do_not() {
        let _test = testing::isolate();
        for sku in ["pear", "pear", "apple", "pear", "pear"] {
            let _ = price(sku);
        }
        assert_eq!(registry().get("prices").unwrap().state(), State::Closed);
    }

    #[test]
    fn the_cache_answers_while_prices_are_down() {
        let _test = testing::isolate();
        for _ in 0..5 {
            assert_eq!(cached("pear"), Ok(1));
        }
        assert_eq!(cached("apple"), Ok(1));
    }

    #[test]
    fn functions_of_one_name_share_a_circuit() {
        let _test = testing::isolate();
        for _ in 0..3 {
            assert_eq!(cached("pear"), Ok(1));
        }
        assert!(price("apple").is_err());
    }

    #[test]
    fn calls_are_counted() {
        let _test = testing::isolate();
        let _ = (price("apple"), price("pear"));
        let calls = registry().snapshot_of("prices").unwrap().calls;
        assert_eq!((calls.started, calls.success, calls.failure), (2, 1, 1));
    }

    #[test]
    fn after_the_cooldown_a_good_call_closes_it() {
        let test = testing::isolate();
        for _ in 0..3 {
            assert_eq!(price("pear"), down());
        }
        assert_eq!(test.transitions("prices"), "closed -> open");
        test.advance(SECOND * 10);
        assert_eq!(price("apple"), Ok(99));
        let last = test.events("prices").last().unwrap().to_string();
        assert_eq!(last, "half_open -> closed: 1 good probe");
    }

    #[test]
    fn each_tenant_has_a_circuit() {
        let _test = testing::isolate();
        assert_eq!(tenant("a", false), down());
        assert_eq!(tenant("a", true), Err(PriceError::Refused(Some(SECOND * 10))));
        assert_eq!(tenant("b", true), Ok(1));
    }
}

#[test]
fn the_registry_of_a_test_has_every_function_and_nothing_else() {
    let process = registry().names();
    registry().get_or_create("made by the process", breaker_runtime::Config::new()).unwrap();
    let test = testing::isolate();
    assert!(std::ptr::eq(registry(), test.registry()));
    assert!(registry().get("prices").is_some() && registry().get("tenants").is_some());
    assert!(registry().get("made by the process").is_none());
    assert!(process.iter().any(|name| name == "prices"));
    for snapshot in registry().snapshot().circuits {
        assert_eq!((snapshot.state, snapshot.calls.started), (State::Closed, 0));
        assert!(!snapshot.sites.is_empty());
    }
    testing::assert_no_conflicts();
}

#[test]
fn isolated_tests_nest_and_end_in_any_order() {
    let outer = testing::isolate();
    outer.open("prices");
    let inner = testing::isolate();
    assert_eq!(price("apple"), Ok(99));
    inner.open("prices");
    drop(outer);
    assert!(price("apple").is_err(), "the inner one still holds");
    inner.close("prices");
    assert_eq!(price("apple"), Ok(99));
    let innermost = testing::isolate();
    innermost.open("prices");
    drop(innermost);
    assert_eq!(price("apple"), Ok(99));
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let before = testing::isolate();
    let registries: Vec<_> = (0..20)
        .map(|_| {
            let mut own = None;
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                let test = testing::isolate();
                own = Some(std::ptr::from_ref(test.registry()) as usize);
                test.open("prices");
                test.fault("prices", testing::Fault::panic("from the fault"));
                registry().subscribe(|_| {}).detach();
                resume_unwind(Box::new("the test fails"));
            }));
            assert!(panicked.is_err());
            own
        })
        .collect();
    assert_eq!(before.circuit("prices").state(), State::Closed);
    assert_eq!(price("apple"), Ok(99));
    assert!(registries.iter().all(Option::is_some));
    let test = testing::isolate();
    assert_eq!(price("apple"), Ok(99));
    assert_eq!(test.transitions("prices"), "closed");
}

#[test]
fn a_test_that_follows_gets_fresh_circuits_though_the_registry_is_used_again() {
    // Another thread's test may take it in between, so any of many rounds will do.
    let mut seen = std::collections::BTreeMap::<usize, u32>::new();
    for _ in 0..50 {
        let test = testing::isolate();
        let calls = test.circuit("prices").snapshot();
        assert_eq!((calls.calls.started, calls.epoch, calls.transitions), (0, 0, 0));
        *seen.entry(std::ptr::from_ref(test.registry()) as usize).or_default() += 1;
        test.open("prices");
        assert!(price("apple").is_err());
        registry().get_or_create("queue", breaker_runtime::Config::new()).unwrap();
        assert_eq!(tenant("new", true), Ok(3));
    }
    assert!(seen.values().any(|times| *times > 1), "{seen:?}");
}

#[test]
fn a_circuit_that_outlives_its_test_disturbs_no_other() {
    let kept = {
        let test = testing::isolate();
        test.circuit("prices")
    };
    let tests: Vec<_> = (0..10).map(|_| testing::isolate()).collect();
    kept.trip();
    for test in &tests {
        assert_eq!(test.transitions("prices"), "closed");
        assert!(test.events("prices").is_empty());
    }
}

#[test]
fn a_refusal_and_a_timeout_can_be_made_up() {
    use breaker_runtime::RejectedReason::{ForcedOpen, Open};
    let open = Rejected::for_test("prices", Open, Some(SECOND * 12));
    assert_eq!((open.name(), open.retry_after()), ("prices", Some(SECOND * 12)));
    assert_eq!(open.to_string(), r#"circuit "prices" is open; retry in 12s"#);
    let forced = Rejected::for_test("prices", ForcedOpen, None);
    assert_eq!((forced.reason(), forced.retry_after()), (ForcedOpen, None));
    let late: CallError<std::fmt::Error> = TimedOut::for_test("prices", SECOND).into();
    assert_eq!(late.to_string(), r#"call through circuit "prices" timed out after 1s"#);
    let wrong = message(|| Rejected::for_test("", Open, None));
    assert!(wrong.starts_with("`name` must"), "{wrong}");
}
