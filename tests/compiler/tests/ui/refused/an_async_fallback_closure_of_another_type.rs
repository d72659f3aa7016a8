use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| 7)]
async fn price(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

fn main() {
    drop(price("tea"));
}
