use breaker_runtime::{Config, circuit_breaker};

fn shared() -> Config {
    Config::new()
}

#[circuit_breaker(name = "prices", config = shared())]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
