use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", cooldown = "30s", cooldown_multiplier = 2, cooldown_max = "20s")]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
