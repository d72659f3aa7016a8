use breaker_runtime::circuit_breaker;

trait Service {
    type Future: Future<Output = Option<u8>>;

    fn start(&self, sku: u8) -> Self::Future;

    #[circuit_breaker(name = "prices")]
    fn price(&self, sku: u8) -> Self::Future {
        self.start(sku)
    }
}

struct Prices;

impl Service for Prices {
    type Future = std::future::Ready<Option<u8>>;

    fn start(&self, sku: u8) -> Self::Future {
        std::future::ready(Some(sku))
    }
}

fn main() {
    drop(Prices.price(1));
}
