//! Under every runner and helper of tests that is in use. `tests/guide/tests/runners.rs` has rstest, which takes long to
//! compile.

use breaker_runtime::{State, testing};
use proptest::prelude::*;

use super::{down, price};
use crate::common::SECOND;

async fn opens_and_recovers() {
    let test = testing::isolate();
    for _ in 0..3 {
        assert_eq!(price("pear"), down());
        tokio::task::yield_now().await;
    }
    assert!(price("apple").is_err());
    test.advance(SECOND * 10);
    assert_eq!(price("apple"), Ok(99));
    assert_eq!(test.transitions("prices"), "closed -> open -> half_open -> closed");
}

#[tokio::test]
async fn tokio_test_of_one_thread() {
    opens_and_recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_test_of_many_threads() {
    opens_and_recovers().await;
}

#[tokio::test(start_paused = true)]
async fn tokio_test_with_paused_time() {
    opens_and_recovers().await;
}

proptest! {
    #[test]
    fn proptest_isolates_each_case(calls in proptest::collection::vec(any::<bool>(), 0..20)) {
        let test = testing::isolate();
        let mut run = 0;
        for up in calls {
            let is_open = run >= 3;
            prop_assert_eq!(test.circuit("prices").state() == State::Open, is_open);
            let answer = price(if up { "apple" } else { "pear" });
            if !is_open {
                prop_assert_eq!(answer.is_ok(), up);
                run = if up { 0 } else { run + 1 };
            }
        }
    }
}
