use breaker_runtime::circuit_breaker;

struct Shop;

impl Shop {
    #[circuit_breaker(name = "prices", fallback = Self::cached)]
    fn price(&self) -> Result<u32, String> {
        Err("down".to_owned())
    }
}

fn main() {
    let _ = Shop.price();
}
