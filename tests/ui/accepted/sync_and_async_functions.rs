use breaker_runtime::{Rejected, circuit_breaker};

#[derive(Debug)]
pub struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Fault
    }
}

/// Documented, public and guarded.
#[circuit_breaker(name = "prices")]
pub fn price(sku: &str) -> Result<usize, Fault> {
    if sku.is_empty() {
        return Err(Fault);
    }
    Ok(sku.len())
}

#[circuit_breaker(name = "stock")]
pub async fn stock(sku: &str) -> Option<usize> {
    let length = sku.len();
    (length > 0).then_some(length)
}

fn main() {
    assert_eq!(price("tea").unwrap(), 3);
    drop(stock("tea"));
}
