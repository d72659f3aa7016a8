use breaker_runtime::circuit_breaker;

const WAIT: u64 = 5;

#[circuit_breaker(name = "prices", max_concurrent = 3, max_wait = WAIT)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
