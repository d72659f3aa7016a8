use breaker_runtime::{Config, circuit_breaker};

const SHARED: Config = Config::new().failure_threshold(3);

#[circuit_breaker(name = "prices", config = SHARED, fallback = 0)]
fn price(sku: u8) -> u8 {
    sku
}

fn main() {
    price(1);
}
