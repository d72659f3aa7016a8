use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = cached)]
fn price(#[cfg(all())] sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

fn cached(sku: &str) -> Result<u32, String> {
    Ok(u32::from(sku.is_empty()))
}

fn main() {
    let _ = price("apple");
}
