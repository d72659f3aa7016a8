use breaker_runtime::circuit_breaker;

trait Shop {
    const NAME: &'static str;
}

struct Corner;

impl Shop for Corner {
    const NAME: &'static str = "prices";
}

#[circuit_breaker(name = T::NAME)]
fn price<T: Shop>(_shop: T, sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price(Corner, "tea");
}
