use breaker_runtime::circuit_breaker;

struct Shop;

impl Shop {
    #[circuit_breaker(name = "prices", fallback = Self::cached)]
    fn price(&self, sku: &str) -> Result<u32, String> {
        Err(sku.to_owned())
    }

    fn cached(_sku: &str) -> Result<u32, String> {
        Ok(1)
    }
}

fn main() {
    let _ = Shop.price("tea");
}
