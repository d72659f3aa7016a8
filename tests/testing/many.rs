//! Two hundred tests that open the same circuit, in parallel.

use std::sync::Barrier;
use std::thread;

use breaker_runtime::testing;

use super::{down, price};
use crate::common::SECOND;

fn opens_and_recovers() {
    let test = testing::isolate();
    for _ in 0..3 {
        assert_eq!(price("pear"), down());
    }
    assert!(price("apple").is_err());
    assert_eq!(test.transitions("prices"), "closed -> open");
    test.advance(SECOND * 10);
    assert_eq!(price("apple"), Ok(99));
    assert_eq!(test.transitions("prices"), "closed -> open -> half_open -> closed");
    let calls = test.circuit("prices").snapshot().calls;
    assert_eq!((calls.started, calls.failure), (4, 3));
}

#[test]
fn two_hundred_threads_open_the_same_circuit_at_once() {
    let barrier = Barrier::new(200);
    thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                barrier.wait();
                opens_and_recovers();
            });
        }
    });
}

macro_rules! tests {
    ($($tens:ident)*) => {$(
        mod $tens {
            tests!(@ one two three four five six seven eight nine ten);
        }
    )*};
    (@ $($name:ident)*) => {$(
        #[test]
        fn $name() {
            super::opens_and_recovers();
        }
    )*};
}

tests! {
    first second third fourth fifth sixth seventh eighth ninth tenth
    eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
}
