use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", cooldown::max = "3s")]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
