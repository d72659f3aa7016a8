use std::panic::Location;

use breaker_runtime::circuit_breaker;

#[track_caller]
#[circuit_breaker(name = "tracked")]
fn line() -> Option<u32> {
    Some(Location::caller().line())
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(line(), Some(line!()));
}
