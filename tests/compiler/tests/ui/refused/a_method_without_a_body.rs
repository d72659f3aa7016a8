use breaker_runtime::circuit_breaker;

trait Prices {
    #[circuit_breaker(name = "prices")]
    fn price(&self) -> Option<u32>;
}

impl Prices for () {
    fn price(&self) -> Option<u32> {
        Some(1)
    }
}

fn main() {
    ().price();
}
