use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |sku, error| Ok(7))]
fn price(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

fn main() {
    let _ = price("tea");
}
