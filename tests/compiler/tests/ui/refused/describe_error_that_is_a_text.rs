use breaker_runtime::{CallError, circuit_breaker};

#[circuit_breaker(name = "prices", describe_error = "down")]
fn price(sku: u8) -> Result<u8, CallError<String>> {
    Ok(sku)
}

fn main() {
    let _ = price(1);
}
