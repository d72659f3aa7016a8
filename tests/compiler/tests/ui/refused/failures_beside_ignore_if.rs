use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", failures = panics, ignore_if = |_| false, fallback_on = rejected, fallback = Ok(0))]
fn price(sku: u8) -> Result<u8, String> {
    Ok(sku)
}

fn main() {
    let _ = price(1);
}
