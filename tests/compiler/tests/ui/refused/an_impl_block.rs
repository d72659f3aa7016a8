use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
impl Shop {
    fn price(&self) -> Option<u32> {
        Some(1)
    }
}

struct Shop;

fn main() {
    Shop.price();
}
