use breaker_runtime::circuit_breaker;
use std::time::Duration;

#[circuit_breaker(name = "prices", cooldown = Duration::ZERO)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
