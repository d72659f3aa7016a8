use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", hung_after = LIMIT, slow_call = "2s", fallback = Ok(0))]
fn price(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

const LIMIT: std::time::Duration = std::time::Duration::from_secs(1);

fn main() {
    let _ = price("tea");
}
