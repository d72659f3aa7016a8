use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", falure_threshold = 3, cooldown = 30, failure_rate = 1.5)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
