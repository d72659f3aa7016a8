use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", call_timeout = "1s")]
async fn price(sku: &str) -> Result<usize, String> {
    Ok(sku.len())
}

fn main() {
    drop(price("tea"));
}
