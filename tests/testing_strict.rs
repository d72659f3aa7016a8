//! `testing::strict()` cannot be switched off, so its test has a process of its own.

use std::panic::catch_unwind;
use std::thread;

use breaker_runtime::{circuit_breaker, testing};

#[circuit_breaker(name = "strict")]
fn call() -> Option<()> {
    Some(())
}

#[circuit_breaker(name = "strict.keys", key = key)]
fn keyed(key: &str) -> Option<usize> {
    Some(key.len())
}

#[test]
fn a_call_outside_of_a_test_says_how_to_enter() {
    assert_eq!(call(), Some(()));
    testing::strict();
    for outside in [|| call().is_some(), || keyed("a").is_some()] {
        let payload = catch_unwind(outside).unwrap_err();
        let said = payload.downcast_ref::<String>().unwrap();
        assert!(said.contains("circuit \"strict"), "{said}");
        for way in ["testing::isolate()", "handle.enter()", "handle.wrap(..)"] {
            assert!(said.contains(way), "{said}");
        }
    }
    let test = testing::isolate();
    assert_eq!((call(), keyed("a")), (Some(()), Some(1)));
    let handle = test.handle();
    let entered = thread::spawn(move || {
        let _entered = handle.enter();
        call()
    });
    assert_eq!(entered.join().unwrap(), Some(()));
}
