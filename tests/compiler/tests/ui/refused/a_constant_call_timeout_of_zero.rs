use breaker_runtime::circuit_breaker;

const LIMIT: std::time::Duration = std::time::Duration::ZERO;

#[circuit_breaker(name = "prices", call_timeout = LIMIT)]
async fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    drop(price("tea"));
}
