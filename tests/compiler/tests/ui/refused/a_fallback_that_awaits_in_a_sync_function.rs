use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| cached().await)]
fn price(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

async fn cached() -> Result<u32, String> {
    Ok(1)
}

fn main() {
    let _ = price("tea");
}
