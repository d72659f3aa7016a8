use breaker_runtime::{Config, circuit_breaker};

#[circuit_breaker(name = "prices", config = config)]
fn price(sku: &str, config: Config) -> Option<usize> {
    let _ = config;
    Some(sku.len())
}

fn main() {
    price("tea", Config::new());
}
