use breaker_runtime::circuit_breaker;

struct Shop;

impl Shop {
    const LIMIT: u32 = 3;

    #[circuit_breaker(name = "prices", failure_threshold = Self::LIMIT)]
    fn price(&self) -> Option<u32> {
        Some(1)
    }
}

fn main() {
    Shop.price();
}
