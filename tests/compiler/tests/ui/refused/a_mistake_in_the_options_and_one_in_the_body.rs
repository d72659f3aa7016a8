use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", cooldown = 30)]
fn price(sku: &str) -> Option<u32> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
