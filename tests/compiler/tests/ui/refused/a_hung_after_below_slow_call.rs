use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", hung_after = "1s", slow_call = "2s", fallback = Ok(0))]
fn price(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

fn main() {
    let _ = price("tea");
}
