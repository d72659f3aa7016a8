//! A function without errors needs a word that says what counts. Each of these is one.

use std::future::ready;
use std::process::ExitStatus;

use breaker_runtime::circuit_breaker;

struct Price(u8);

#[circuit_breaker(name = "a", failure_if = |status| !status.success(), fallback = ExitStatus::default())]
fn judged() -> ExitStatus {
    ExitStatus::default()
}

#[circuit_breaker(name = "b", slow_call = "1s", fallback = 0)]
fn timed() -> u8 {
    1
}

#[circuit_breaker(name = "c", max_concurrent = 9, fallback = Price(0))]
fn limited() -> Price {
    Price(1)
}

#[circuit_breaker(name = "d", call_timeout = "1s", fallback = Vec::new())]
async fn bounded() -> Vec<u8> {
    vec![1]
}

#[circuit_breaker(name = "e", on_cancel = failure_after("80ms"), fallback = ())]
async fn impatient() {}

#[circuit_breaker(name = "f", on_cancel = failure, fallback = String::new())]
fn dropped() -> impl Future<Output = String> {
    ready(String::new())
}

#[circuit_breaker(name = "g", failures = panics, fallback = T::default())]
fn generic<T: Default>() -> T {
    T::default()
}

/// Results and options need none, by whatever name.
type Done<T> = Result<T, std::fmt::Error>;
type Found<T> = Option<T>;

#[circuit_breaker(name = "h", fallback = Ok(0))]
fn done() -> Done<u8> {
    Ok(1)
}

#[circuit_breaker(name = "i", fallback = None)]
async fn found() -> Found<u8> {
    Some(1)
}

#[circuit_breaker(name = "j", fallback = Ok::<u8, u8>(0))]
fn hidden() -> impl PartialEq<Result<u8, u8>> {
    Ok::<u8, u8>(1)
}

#[test]
fn it_compiles_and_runs() {
    assert!(judged().success());
    assert_eq!((timed(), limited().0, generic::<u8>()), (1, 1, 0));
    drop((bounded(), impatient(), dropped(), found()));
    assert!(done() == Ok(1) && hidden() == Ok(1));
}
