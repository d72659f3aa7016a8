use std::future::Future;
use std::pin::Pin;

use breaker_runtime::{Rejected, circuit_breaker};

struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

#[circuit_breaker(name = "prices", call_timeout = "1s")]
fn price(sku: &str) -> Pin<Box<dyn Future<Output = Result<usize, Fault>>>> {
    let length = sku.len();
    Box::pin(async move { Ok(length) })
}

fn main() {
    drop(price("tea"));
}
