use breaker_runtime::circuit_breaker;

trait Shop {
    const NAME: &'static str;
}

struct Corner;

impl Shop for Corner {
    const NAME: &'static str = "prices";
}

struct Till<T>(T);

impl<T: Shop> Till<T> {
    #[circuit_breaker(name = T::NAME)]
    fn price(&self, sku: &str) -> Option<usize> {
        Some(sku.len())
    }
}

fn main() {
    Till(Corner).price("tea");
}
