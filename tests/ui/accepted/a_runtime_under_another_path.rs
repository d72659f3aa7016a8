mod facade {
    pub use breaker_runtime as breakers;
}

use facade::breakers::circuit_breaker;

#[circuit_breaker(name = "prices", crate = crate::facade::breakers, failure_threshold = LIMIT)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "stock", crate = facade::breakers, fallback = |_| Ok(0))]
async fn stock(sku: &str) -> Result<usize, String> {
    Ok(sku.len())
}

const LIMIT: u32 = 3;

fn main() {
    assert_eq!(price("tea"), Some(3));
    drop(stock("tea"));
}
