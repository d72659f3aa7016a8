#![no_implicit_prelude]
#![allow(dead_code)]

use ::breaker_runtime::circuit_breaker;

mod core {}
mod std {}
struct Result;
struct Option;
struct Ok;
struct Err;
struct Some;
struct Box;

trait Call {
    fn call(&self) {}
    fn drop(&self) {}
    fn is_err(&self) -> bool {
        true
    }
}

impl<T> Call for T {}

#[circuit_breaker(name = "prices-notsls", failure_if = |_| false, fallback = cached)]
fn price(value: &str, permit: u32) -> ::core::result::Result<u32, ()> {
    let kind = permit;
    let rejected = value;
    let _ = rejected;
    ::core::result::Result::Ok(kind)
}

fn cached(_: &str, error: u32) -> ::core::result::Result<u32, ()> {
    ::core::result::Result::Ok(error)
}

#[circuit_breaker(name = "stock-notsls")]
async fn stock(value: &str) -> ::core::option::Option<usize> {
    ::core::option::Option::Some(value.len())
}

#[test]
fn it_compiles_and_runs() {
    ::core::assert!(price("tea", 1) == ::core::result::Result::Ok(1));
    ::core::mem::drop(stock("tea"));
}
