mod facade {
    pub use breaker_runtime as breakers;
}

use facade::breakers::circuit_breaker;

#[circuit_breaker(
    name = "prices-aruap",
    crate = crate::a_runtime_under_another_path::facade::breakers,
    failure_threshold = LIMIT
)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "stock-aruap", crate = facade::breakers, fallback = |_| Ok(0))]
async fn stock(sku: &str) -> Result<usize, String> {
    Ok(sku.len())
}

macro_rules! guarded {
    ($item:item) => {
        #[circuit_breaker(name = "orders-aruap", crate = $crate::a_runtime_under_another_path::facade::breakers)]
        $item
    };
}

guarded! {
    fn order(sku: &str) -> Option<usize> {
        Some(sku.len())
    }
}

const LIMIT: u32 = 3;

#[test]
fn it_compiles_and_runs() {
    assert_eq!(price("tea"), Some(3));
    assert_eq!(order("tea"), Some(3));
    drop(stock("tea"));
}
