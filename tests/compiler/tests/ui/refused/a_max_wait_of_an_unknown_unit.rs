use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", max_concurrent = 1, max_wait = "1 sek")]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
