//! `describe_error` as a closure that borrows, as a path, on sync and async functions, methods, and with other options.

use std::fmt;
use std::time::Duration;

use breaker_runtime::{CallError, circuit_breaker};

#[derive(Debug)]
struct Fault {
    words: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

#[circuit_breaker(name = "itself-deoef", describe_error = |error| error)]
fn itself() -> Result<(), CallError<Fault>> {
    Ok(())
}

#[circuit_breaker(name = "field", describe_error = |error| &error.words, fallback = Ok(()))]
fn field() -> Result<(), Fault> {
    Ok(())
}

#[circuit_breaker(name = "path-deoef", describe_error = ToString::to_string, timings = true)]
async fn path() -> Result<(), CallError<Fault>> {
    Ok(())
}

#[circuit_breaker(
    name = "both",
    open_for = |_| Some(Duration::from_secs(1)),
    describe_error = |error| format!("{error:?}"),
    ignore_if = |_| false,
    call_timeout = "1s"
)]
async fn both() -> Result<(), CallError<Fault>> {
    Ok(())
}

const WANTED: bool = cfg!(debug_assertions);

struct Shop;

impl Shop {
    #[circuit_breaker(name = "method-deoef", describe_error = |error| error.to_string(), timings = WANTED)]
    fn method(&self) -> Result<u8, CallError<String>> {
        Ok(1)
    }
}

#[test]
fn it_compiles_and_runs() {
    itself().unwrap();
    field().unwrap();
    let _ = (path(), both());
    Shop.method().unwrap();
}
