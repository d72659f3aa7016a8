use breaker_runtime::circuit_breaker;

const LIMIT: u64 = 5;

#[circuit_breaker(name = "prices", call_timeout = LIMIT)]
async fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    drop(price("tea"));
}
