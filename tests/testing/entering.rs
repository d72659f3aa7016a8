//! Other threads and spawned tasks.

use std::thread;

use breaker_runtime::{State, registry, testing};

use super::{down, message, price};

#[test]
fn a_thread_that_enters_has_the_circuits_of_the_test() {
    let test = testing::isolate();
    let handle = test.handle();
    thread::scope(|scope| {
        for _ in 0..3 {
            let handle = handle.clone();
            scope.spawn(move || {
                let _entered = handle.enter();
                assert_eq!(price("pear"), down());
            });
        }
    });
    assert_eq!(test.transitions("prices"), "closed -> open");
    drop(handle.enter());
    assert_eq!(registry().get("prices").unwrap().state(), State::Open, "still inside");
}

#[test]
fn a_thread_that_enters_nothing_has_the_circuits_of_the_process() {
    let test = testing::isolate();
    test.open("prices");
    assert_eq!(thread::spawn(|| price("apple")).join().unwrap(), Ok(99));
    let seen = thread::spawn(|| std::ptr::from_ref(registry()) as usize).join().unwrap();
    assert_ne!(seen, std::ptr::from_ref(registry()) as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrapped_task_is_inside_at_every_poll() {
    let test = testing::isolate();
    let calls = (0..3).map(|_| {
        tokio::spawn(test.handle().wrap(async {
            let mut failed = Vec::new();
            for _ in 0..2 {
                tokio::task::yield_now().await;
                failed.push(price("pear"));
            }
            failed
        }))
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(test.transitions("prices"), "closed -> open");
    assert_eq!(tokio::spawn(async { price("apple") }).await.unwrap(), Ok(99), "not wrapped");
}

#[test]
fn a_handle_that_outlived_its_test_says_so() {
    let handle = testing::isolate().handle();
    for said in [message(|| handle.enter()), message(|| handle.wrap(async {}))] {
        assert!(said.contains("has ended") && said.contains("let test = .."), "{said}");
    }
}

#[test]
fn a_thread_that_is_inside_when_the_test_ends_stays_inside() {
    let test = testing::isolate();
    test.open("prices");
    let handle = test.handle();
    let entered = handle.enter();
    drop(test);
    assert!(price("apple").is_err());
    assert!(message(|| handle.enter()).contains("has ended"));
    drop(entered);
}
