use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
trait Prices {
    fn price(&self) -> Option<u32> {
        Some(1)
    }
}

impl Prices for () {}

fn main() {
    ().price();
}
