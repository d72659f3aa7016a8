use breaker_runtime::circuit_breaker;

const CALLS: u32 = 0;

#[circuit_breaker(name = "prices", max_concurrent = CALLS)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
