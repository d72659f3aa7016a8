//! `failures = panics`: no result is a failure, whatever its type, and a panic is.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use breaker_runtime::{CallError, Rejected, State, circuit_breaker, registry};

#[derive(Debug, PartialEq)]
struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

#[circuit_breaker(name = "results-fop", failures = panics)]
fn result() -> Result<u8, Fault> {
    Err(Fault)
}

#[circuit_breaker(name = "results-fop", failures = panics, fallback = |error| match error {
    CallError::Rejected(_) | CallError::TimedOut(_) => Ok(1),
    CallError::Failed(Fault) => Ok(2),
})]
fn answered() -> Result<u8, Fault> {
    Err(Fault)
}

#[circuit_breaker(name = "options", failures = panics)]
async fn option() -> Option<u8> {
    None
}

#[circuit_breaker(name = "numbers-fop", failure_threshold = 1, failures = panics, fallback = 0)]
fn number(panics: bool) -> u8 {
    if panics {
        resume_unwind(Box::new("broken"))
    }
    1
}

#[circuit_breaker(name = "endless-fop", failures = panics, fallback = std::process::abort())]
fn endless() -> ! {
    resume_unwind(Box::new("broken"))
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!((result(), answered()), (Err(Fault), Err(Fault)));
    let calls = registry().get("results-fop").unwrap().snapshot().calls;
    assert_eq!((calls.success, calls.failure), (2, 0));
    drop(option());
    assert_eq!(number(false), 1);
    assert!(catch_unwind(|| number(true)).is_err());
    assert_eq!(number(true), 0);
    assert_eq!(registry().get("numbers-fop").unwrap().state(), State::Open);
    assert!(catch_unwind(AssertUnwindSafe(|| endless())).is_err());
}
