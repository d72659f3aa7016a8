use breaker_runtime::{Config, circuit_breaker};

struct Shop;

impl Shop {
    const SHARED: Config = Config::new();

    #[circuit_breaker(name = "prices", config = Self::SHARED)]
    fn price(&self, sku: &str) -> Option<usize> {
        Some(sku.len())
    }
}

fn main() {
    Shop.price("tea");
}
