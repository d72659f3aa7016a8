use breaker_runtime::circuit_breaker;

#[circuit_breaker("prices", cooldown = 0, window, failure_rate 0.5, fallback_on = always)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
