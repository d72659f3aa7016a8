use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", describe_error = |error| error)]
fn price(sku: u8) -> Option<u8> {
    Some(sku)
}

fn main() {
    let _ = price(1);
}
