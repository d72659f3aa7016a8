use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| Ok(0))]
fn price(sku: String) -> Result<u32, String> {
    let length: u32 = sku.len();
    Ok(length)
}

fn main() {
    let _ = price("tea".to_owned());
}
