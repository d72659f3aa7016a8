use breaker_runtime::{CallError, circuit_breaker};

#[circuit_breaker(name = "prices", describe_error = |error| error)]
fn price(sku: u8) -> Result<u8, CallError<Opaque>> {
    Ok(sku)
}

struct Opaque;

fn main() {
    let _ = price(1);
}
