//! tower-resilience-circuitbreaker 0.14.

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::LazyLock;
use std::time::Duration;

use breaker_benches::Fault;
use tower::util::ServiceFn;
use tower::{Layer, Service};
use tower_resilience_circuitbreaker::{
    CircuitBreaker, CircuitBreakerError, CircuitBreakerLayer, CircuitState, DefaultClassifier,
};

use crate::drive::{finish, succeeding};
use crate::item::{Contender, Group, Item, Side};
use crate::tower::{Work, call, service};

/// The label of the contender.
pub(crate) const NAME: &str = "tower-resilience 0.14";

type Guarded = CircuitBreaker<ServiceFn<Work>, DefaultClassifier>;
type Refusable = Result<u64, CircuitBreakerError<Fault>>;

static CLOSED: LazyLock<Guarded> = LazyLock::new(closed);
static OPEN: LazyLock<Guarded> = LazyLock::new(|| {
    let service = closed();
    finish(service.force_open());
    service
});
static TIMED: LazyLock<Guarded> = LazyLock::new(|| {
    let layer = CircuitBreakerLayer::standard()
        .minimum_number_of_calls(100)
        .slow_call_duration_threshold(Duration::from_secs(1))
        .slow_call_rate_threshold(0.5)
        .build();
    layer.expect("the config is in range").layer(service())
});
static FIRST: [LazyLock<Guarded>; 100] = [const { LazyLock::new(closed as fn() -> Guarded) }; 100];

thread_local! {
    static CLOSED_HERE: RefCell<Guarded> = RefCell::new(CLOSED.clone());
    static OPEN_HERE: RefCell<Guarded> = RefCell::new(OPEN.clone());
    static TIMED_HERE: RefCell<Guarded> = RefCell::new(TIMED.clone());
}

fn closed() -> Guarded {
    let layer = CircuitBreakerLayer::standard()
        .minimum_number_of_calls(100)
        .wait_duration_in_open(Duration::from_secs(3600))
        .build();
    layer.expect("the config is in range").layer(service())
}

#[inline(never)]
fn polled(fails: bool) -> Refusable {
    call(&CLOSED_HERE, fails)
}

#[inline(never)]
fn polled_open(fails: bool) -> Refusable {
    call(&OPEN_HERE, fails)
}

#[inline(never)]
fn polled_timed(fails: bool) -> Refusable {
    call(&TIMED_HERE, fails)
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: NAME,
        side: Side::Peer,
        legend: "`tower-resilience-circuitbreaker`: a tower service, so async only, 50 %, minimum \
                 100. It has a window of 100 calls, and computes the rate of all calls since it last \
                 changed state. Each call allocates a box. Each thread calls its own service, because \
                 a clone per call would cost more. Its window of time keeps every call and counts all \
                 of them at each call: too many to measure here",
        items: vec![
            Item::new(Group::AsyncOk, |calls| succeeding(calls, polled))
                .check(|| assert_eq!(CLOSED.state_sync(), CircuitState::Closed)),
            Item::new(Group::TowerOk, |calls| succeeding(calls, polled))
                .check(|| assert_eq!(CLOSED.state_sync(), CircuitState::Closed)),
            Item::new(Group::AsyncOpen, |calls| succeeding(calls, polled_open))
                .check(|| assert_eq!(OPEN.state_sync(), CircuitState::Open)),
            Item::new(Group::SlowCall, |calls| succeeding(calls, polled_timed))
                .variant("1 s, async")
                .check(|| assert_eq!(TIMED.state_sync(), CircuitState::Closed)),
        ],
        first_call: Some(|site| {
            let mut service = FIRST[site].clone();
            let first = async {
                poll_fn(|context| service.poll_ready(context)).await?;
                service.call(false).await
            };
            assert!(finish(first).is_ok());
        }),
    }
}
