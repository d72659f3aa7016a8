use breaker_runtime::circuit_breaker;

struct Shop;

impl Shop {
    const NAME: &'static str = "prices";

    #[circuit_breaker(name = Self::NAME)]
    fn price(&self, sku: &str) -> Option<usize> {
        Some(sku.len())
    }
}

fn main() {
    Shop.price("tea");
}
