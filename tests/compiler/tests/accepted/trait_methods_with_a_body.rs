use breaker_runtime::circuit_breaker;

trait Prices {
    fn price(&self, sku: &str) -> Option<usize>;

    #[circuit_breaker(name = "discount", fallback = |_| Ok(0))]
    fn discount(&self, sku: &str) -> Result<usize, String> {
        self.price(sku).ok_or_else(|| sku.to_owned())
    }

    fn later(&self, sku: &str) -> impl Future<Output = Option<usize>> + Send;
}

struct Shop;

impl Prices for Shop {
    #[circuit_breaker(name = "prices-tmwab")]
    fn price(&self, sku: &str) -> Option<usize> {
        Some(sku.len())
    }

    #[circuit_breaker(name = "later")]
    async fn later(&self, sku: &str) -> Option<usize> {
        Some(sku.len())
    }
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(Shop.price("tea"), Some(3));
    assert_eq!(Shop.discount("tea"), Ok(3));
    drop(Shop.later("tea"));
}
