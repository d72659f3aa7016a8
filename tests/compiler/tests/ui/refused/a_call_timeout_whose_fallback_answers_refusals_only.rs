use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", call_timeout = "1s", fallback = 1, fallback_on = rejected)]
async fn price(sku: &str) -> usize {
    sku.len()
}

fn main() {
    drop(price("tea"));
}
