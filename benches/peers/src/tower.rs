//! tower services: bare, behind tower's `LoadShed`, and behind breaker's layer.

use std::cell::RefCell;
use std::future::{Ready, poll_fn, ready};
use std::thread::LocalKey;

use breaker_benches::{Fault, bare};
use breaker_runtime::Config;
use breaker_tower::{CircuitBreakerLayer, CircuitBreakerService};
use tower::load_shed::LoadShed;
use tower::util::ServiceFn;
use tower::{Layer, Service, service_fn};

use crate::drive::{finish, succeeding};
use crate::item::{Group, Item};

pub(crate) type Work = fn(bool) -> Ready<Result<u64, Fault>>;

/// The name of the circuit.
pub(crate) const CIRCUIT: &str = "benches.tower";

thread_local! {
    static BARE: RefCell<ServiceFn<Work>> = RefCell::new(service());
    static SHEDDING: RefCell<LoadShed<ServiceFn<Work>>> = RefCell::new(LoadShed::new(service()));
    static GUARDED: RefCell<CircuitBreakerService<ServiceFn<Work>>> = RefCell::new(guarded());
}

/// The work of every call, as a service.
pub(crate) fn service() -> ServiceFn<Work> {
    service_fn(work as Work)
}

fn work(fails: bool) -> Ready<Result<u64, Fault>> {
    ready(bare(fails))
}

fn guarded() -> CircuitBreakerService<ServiceFn<Work>> {
    let config = Config::new().failure_rate(0.5).count_window(100).minimum_calls(100);
    let layer = CircuitBreakerLayer::new(CIRCUIT, config);
    layer.expect("the config is in range").layer(service())
}

/// One call: a service is asked whether it is ready, and then called.
pub(crate) fn call<S: Service<bool>>(
    service: &'static LocalKey<RefCell<S>>,
    fails: bool,
) -> Result<S::Response, S::Error> {
    service.with_borrow_mut(|service| {
        finish(async {
            poll_fn(|context| service.poll_ready(context)).await?;
            service.call(fails).await
        })
    })
}

#[inline(never)]
fn polled_bare(fails: bool) -> Result<u64, Fault> {
    call(&BARE, fails)
}

#[inline(never)]
fn polled_shedding(fails: bool) -> Result<u64, tower::BoxError> {
    call(&SHEDDING, fails)
}

#[inline(never)]
fn polled_guarded(fails: bool) -> Result<u64, breaker_runtime::CallError<Fault>> {
    call(&GUARDED, fails)
}

pub(crate) fn bare_item() -> Item {
    Item::new(Group::TowerOk, |calls| succeeding(calls, polled_bare))
}

pub(crate) fn shedding_item() -> Item {
    Item::new(Group::TowerOk, |calls| succeeding(calls, polled_shedding)).variant("LoadShed")
}

pub(crate) fn guarded_item() -> Item {
    Item::new(Group::TowerOk, |calls| succeeding(calls, polled_guarded))
}
