use breaker_runtime::{Config, circuit_breaker};

const SHARED: Config = Config::new().cooldown_multiplier(2.0);

#[circuit_breaker(name = "prices", config = SHARED, slow_call_rate = 0.5)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
