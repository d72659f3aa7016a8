use breaker_runtime::{Config, circuit_breaker};

const SHARED: Config = Config::new().minimum_calls(50);

#[circuit_breaker(name = "prices", config = SHARED, failure_threshold = 3, window = 20)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
