use breaker_runtime::circuit_breaker;

struct Shop;

impl Shop {
    #[circuit_breaker(name = "prices")]
    #[track_caller]
    fn price(&self) -> Option<u32> {
        Some(1)
    }
}

fn main() {
    Shop.price();
}
