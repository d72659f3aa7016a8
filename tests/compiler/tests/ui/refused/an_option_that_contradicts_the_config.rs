use breaker_runtime::{Config, circuit_breaker};

const SHARED: Config = Config::new().count_window(20);

#[circuit_breaker(name = "prices", config = SHARED, failure_threshold = 3, minimum_calls = 50)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
