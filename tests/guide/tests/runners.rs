//! `breaker_runtime::testing` under rstest. The other runners are in `tests/testing/runners.rs`.

use breaker_runtime::{Rejected, State, circuit_breaker, testing};
use rstest::{fixture, rstest};

#[derive(Debug, PartialEq)]
enum PriceError {
    Refused,
    Down,
}

impl From<Rejected> for PriceError {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

#[circuit_breaker(name = "prices", failure_threshold = 3)]
fn price(sku: &str) -> Result<u32, PriceError> {
    if sku == "apple" { Ok(99) } else { Err(PriceError::Down) }
}

#[fixture]
fn test() -> testing::Isolated {
    testing::isolate()
}

#[rstest]
#[case(2, State::Closed)]
#[case(3, State::Open)]
fn rstest_with_a_fixture(test: testing::Isolated, #[case] failures: usize, #[case] state: State) {
    for _ in 0..failures {
        assert_eq!(price("pear"), Err(PriceError::Down));
    }
    assert_eq!(test.circuit("prices").state(), state);
}

#[rstest]
#[tokio::test]
async fn rstest_of_an_async_test(test: testing::Isolated) {
    test.open("prices");
    tokio::task::yield_now().await;
    assert_eq!(price("apple"), Err(PriceError::Refused));
}
