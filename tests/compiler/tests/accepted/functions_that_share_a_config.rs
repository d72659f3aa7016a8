#![no_implicit_prelude]

use ::breaker_runtime::{Config, circuit_breaker, registry};
use ::std::assert;
use ::std::assert_eq;
use ::std::option::Option::{self, Some};

const SHARED: Config = Config::new().failure_threshold(3).minimum_calls(10);

#[circuit_breaker(name = "prices-ftsac", config = SHARED)]
fn shared() -> Option<u32> {
    Some(1)
}

// The same options, stated otherwise. A default that is stated changes nothing.
#[circuit_breaker(name = "prices-ftsac", config = SHARED, window = 100)]
fn shared_and_more() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "prices-ftsac", failure_threshold = 3)]
fn spelt_out() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "prices-ftsac", config = Config::new())]
fn nothing() -> Option<u32> {
    Some(1)
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!((shared(), shared_and_more()), (spelt_out(), nothing()));
    for conflict in registry().conflicts() {
        assert!(!conflict.name.ends_with("-ftsac"));
    }
}
