use breaker_runtime::{Rejected, circuit_breaker};

#[derive(Debug)]
pub struct Fault;

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Fault
    }
}

/// Documented, public and guarded.
#[circuit_breaker(name = "prices-saaf")]
pub fn price(sku: &str) -> Result<usize, Fault> {
    if sku.is_empty() {
        return Err(Fault);
    }
    Ok(sku.len())
}

#[circuit_breaker(name = "stock-saaf")]
pub async fn stock(sku: &str) -> Option<usize> {
    let length = sku.len();
    (length > 0).then_some(length)
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(price("tea").unwrap(), 3);
    drop(stock("tea"));
}
