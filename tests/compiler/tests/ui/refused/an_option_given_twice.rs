use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", cooldown = "1s", failure_threshold = 3, cooldown = "2s")]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
