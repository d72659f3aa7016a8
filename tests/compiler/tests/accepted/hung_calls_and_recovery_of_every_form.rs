use std::time::Duration;

use breaker_runtime::{Rejected, circuit_breaker};

const LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

#[circuit_breaker(name = "literals-hcaroef", hung_after = "5s", recovery = "1m 30s")]
fn literals() -> Result<u8, Fault> {
    Ok(1)
}

#[circuit_breaker(name = "constants-hcaroef", hung_after = LIMIT, recovery = Duration::from_secs(30), slow_call = "5s")]
fn constants() -> Result<u8, Fault> {
    Ok(2)
}

#[circuit_breaker(name = "shortest-hcaroef", hung_after = "10ms", recovery = "1ns", key = host)]
async fn shortest(host: &str) -> Result<usize, Fault> {
    Ok(host.len())
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(literals().unwrap() + constants().unwrap(), 3);
    drop(shortest("alpha"));
}
