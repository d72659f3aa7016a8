use breaker_runtime::{Rejected, circuit_breaker};

struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self
    }
}

#[circuit_breaker(name = "prices", call_timeout = "1s", fallback = Ok(1), fallback_on = rejected)]
async fn price(sku: &str) -> Result<usize, Fault> {
    Ok(sku.len())
}

fn main() {
    drop(price("tea"));
}
