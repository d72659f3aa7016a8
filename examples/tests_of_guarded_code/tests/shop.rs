//! The tests of a service whose calls are guarded. They share circuits by name, and run in any order and at once.

use std::thread;
use std::time::Duration;

use breaker_runtime::testing::{self, Fault};
use breaker_runtime::{Clock, Rejected, RejectedReason, State, TimedOut, registry};
use breaker_tests_of_guarded_code::{
    Response, ShopError, price, respond, send_receipt, send_with_retry, stock,
};

const SECOND: Duration = Duration::from_secs(1);

/// The service behind fails.
fn down() -> Fault {
    Fault::fail_with(|| Err(ShopError::Down))
}

#[test]
fn the_service_answers_while_it_is_up() {
    let _test = testing::isolate();
    assert_eq!(price("pear"), Ok(120));
}

#[test]
fn the_last_known_price_answers_while_the_service_is_down() {
    let test = testing::isolate();
    test.fault("prices", down());
    for _ in 0..5 {
        assert_eq!(price("apple"), Ok(95));
    }
    assert_eq!(test.transitions("prices"), "closed -> open");
}

#[test]
fn the_service_is_asked_again_after_the_cooldown() {
    let test = testing::isolate();
    test.open("prices");
    assert_eq!(price("apple"), Ok(95));
    test.advance(SECOND * 10);
    assert_eq!(price("apple"), Ok(99));
    let last = test.events("prices").pop().expect("it closed");
    assert_eq!(last.to_string(), "half_open -> closed: 1 good probe");
}

#[test]
fn a_bad_probe_opens_the_circuit_again() {
    let test = testing::isolate();
    test.half_open("prices");
    test.fault("prices", down());
    assert_eq!(price("apple"), Ok(95));
    assert_eq!(test.transitions("prices"), "closed -> open -> half_open -> open");
}

#[test]
fn unknown_products_do_not_open_the_circuit() {
    let test = testing::isolate();
    for _ in 0..10 {
        assert_eq!(price("stone"), Err(ShopError::Unknown("stone".into())));
    }
    assert_eq!(test.circuit("prices").state(), State::Closed);
    assert_eq!(test.circuit("prices").snapshot().calls.ignored, 10);
}

#[test]
fn one_failure_more_would_open_it() {
    let test = testing::isolate();
    test.fail("prices", 2);
    let snapshot = test.circuit("prices").snapshot();
    assert_eq!(snapshot.explain(), "closed: 2 of the 3 failures in a row that open it");
}

#[test]
fn a_refusal_becomes_503_with_the_time_to_come_back() {
    let test = testing::isolate();
    test.open("stock/acme");
    let expected = Response { status: 503, retry_after: Some(30) };
    assert_eq!(respond(&stock("acme", "apple")), expected);
    test.advance(SECOND * 20);
    assert_eq!(respond(&stock("acme", "apple")).retry_after, Some(10));
}

#[test]
fn every_error_has_its_status() {
    let refused = Rejected::for_test("stock", RejectedReason::BulkheadFull, None);
    let late = TimedOut::for_test("mail", SECOND * 2);
    for (error, status, retry_after) in [
        (ShopError::Refused(refused), 503, Some(1)),
        (ShopError::Late(late), 504, None),
        (ShopError::Unknown("stone".into()), 404, None),
        (ShopError::Down, 502, None),
    ] {
        assert_eq!(respond::<()>(&Err(error)), Response { status, retry_after });
    }
    assert_eq!(respond(&Ok(1)).status, 200);
}

#[test]
fn a_tenant_that_is_down_disturbs_no_other() {
    let test = testing::isolate();
    test.fault("stock/acme", down());
    for _ in 0..2 {
        assert_eq!(stock("acme", "apple"), Err(ShopError::Down));
    }
    assert!(matches!(stock("acme", "apple"), Err(ShopError::Refused(_))));
    assert_eq!(stock("best", "apple"), Ok(9));
}

#[test]
fn each_test_begins_without_tenants() {
    let _test = testing::isolate();
    let tenants = || registry().names().into_iter().filter(|name| name.starts_with("stock/"));
    assert_eq!(tenants().count(), 0);
    assert_eq!(stock("best", "pear"), Ok(8));
    assert_eq!(tenants().collect::<Vec<_>>(), ["stock/best"]);
}

#[tokio::test]
async fn mail_that_hangs_times_out_and_opens_the_circuit() {
    let test = testing::isolate();
    test.fault("mail", Fault::delay(SECOND * 5).times(2));
    for _ in 0..2 {
        assert!(matches!(send_receipt("a@b").await, Err(ShopError::Late(_))));
    }
    assert_eq!(test.transitions("mail"), "closed -> open");
}

#[tokio::test(start_paused = true)]
async fn mail_that_is_slow_arrives_on_tokios_clock() {
    let test = testing::isolate_with(Clock::Tokio);
    test.fault("mail", Fault::delay(SECOND));
    let began = tokio::time::Instant::now();
    assert_eq!(send_receipt("a@b").await, Ok(3));
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test]
async fn a_retry_stops_when_the_circuit_opens_and_says_when_to_come_back() {
    let test = testing::isolate();
    test.fault("mail", down());
    assert_eq!(send_with_retry("a@b").await, Err(SECOND * 60));
    test.clear_faults();
    assert_eq!(send_with_retry("a@b").await, Err(SECOND * 60), "nothing was sent");
    test.close("mail");
    assert_eq!(send_with_retry("a@b").await, Ok(3));
}

#[tokio::test]
async fn a_retry_gets_over_one_failure() {
    let test = testing::isolate();
    test.fault("mail", down().times(1));
    assert_eq!(send_with_retry("a@b").await, Ok(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawned_task_is_in_the_test() {
    let test = testing::isolate();
    test.open("mail");
    let sent = tokio::spawn(test.handle().wrap(send_with_retry("a@b"))).await;
    assert_eq!(sent.expect("it did not panic"), Err(SECOND * 60));
}

#[test]
fn a_worker_thread_is_in_the_test() {
    let test = testing::isolate();
    test.fault("prices", down());
    let handle = test.handle();
    let worker = thread::spawn(move || {
        let _entered = handle.enter();
        price("apple")
    });
    assert_eq!(worker.join().expect("it did not panic"), Ok(95));
    assert_eq!(test.circuit("prices").snapshot().calls.failure, 1);
}

#[test]
fn the_settings_are_those_that_we_agreed_on() {
    testing::assert_settings("prices", "failure_threshold=3, cooldown=10s");
    testing::assert_settings("stock", "failure_threshold=2, cooldown=30s");
    testing::assert_settings("mail", "cooldown=1m, success_threshold=3");
    testing::assert_no_conflicts();
}

#[test]
fn a_shorter_cooldown_is_tried_in_one_test() {
    let test = testing::isolate();
    test.apply("prices.cooldown=1s");
    test.open("prices");
    test.advance(SECOND);
    assert_eq!(price("apple"), Ok(99));
}
