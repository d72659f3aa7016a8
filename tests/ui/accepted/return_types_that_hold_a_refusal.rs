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

#[circuit_breaker(name = "itself")]
fn itself() -> Result<(), Rejected> {
    Ok(())
}

#[circuit_breaker(name = "boxed")]
fn boxed(sku: &str) -> Result<u32, Box<dyn Error>> {
    Ok(sku.parse::<u32>()?)
}

#[circuit_breaker(name = "option")]
fn option<'a>(sku: &'a str) -> std::option::Option<&'a str> {
    Some(sku)
}

fn main() {
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
