use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| Ok(0))]
fn price(sku: String) -> Result<Money, String> {
    Ok(sku.len())
}

fn main() {
    let _ = price("tea".to_owned());
}
