use breaker_runtime::{Config, circuit_breaker};

const SHARED: Config = Config::new().failure_rate(50.0);

#[circuit_breaker(name = "prices", config = SHARED, failure_threshold = 3)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
