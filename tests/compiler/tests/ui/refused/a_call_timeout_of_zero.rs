use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", call_timeout = "0ms")]
async fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    drop(price("tea"));
}
