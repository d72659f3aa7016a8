use std::env::VarError;
use std::error::Error;

use breaker_runtime::{Rejected, circuit_breaker};

type Fetched<T> = Result<T, Box<dyn Error + Send + Sync>>;

mod fault {
    pub type Result<T> = std::result::Result<T, super::Fault>;
}

#[derive(Debug)]
enum Fault {
    Refused(Rejected),
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

#[circuit_breaker(name = "alias")]
fn alias(sku: &str) -> Fetched<u32> {
    Ok(sku.parse()?)
}

#[circuit_breaker(name = "module")]
fn module(sku: &str) -> fault::Result<usize> {
    Ok(sku.len())
}

#[circuit_breaker(name = "itself-rtthar")]
fn itself() -> Result<(), Rejected> {
    Ok(())
}

#[circuit_breaker(name = "boxed-rtthar")]
fn boxed(sku: &str) -> Result<u32, Box<dyn Error>> {
    Ok(sku.parse::<u32>()?)
}

#[circuit_breaker(name = "option-rtthar")]
fn option<'a>(sku: &'a str) -> std::option::Option<&'a str> {
    Some(sku)
}

#[circuit_breaker(name = "io")]
fn io(path: &str) -> std::io::Result<String> {
    std::fs::read_to_string(path)
}

#[circuit_breaker(name = "timed_io", call_timeout = "1s")]
async fn timed_io(path: &str) -> std::io::Result<usize> {
    Ok(path.len())
}

#[circuit_breaker(name = "foreign", fallback_on = rejected, fallback = |refused| {
    eprintln!("{refused}");
    Err(VarError::NotPresent)
})]
fn foreign(name: &str) -> Result<String, VarError> {
    std::env::var(name)
}

#[test]
fn it_compiles_and_runs() {
    assert!(io("/no/such/file").is_err());
    drop(timed_io("tea"));
    assert!(foreign("NO_SUCH_VARIABLE").is_err());
    assert_eq!(alias("7").unwrap(), 7);
    assert_eq!(module("tea").unwrap(), 3);
    itself().unwrap();
    assert_eq!(boxed("7").unwrap(), 7);
    assert_eq!(option("tea"), Some("tea"));
    let Fault::Refused(_) = Fault::from(match itself() {
        Err(rejected) => rejected,
        Ok(()) => return,
    });
}
