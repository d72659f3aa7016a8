use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", failures = errors)]
fn price(sku: u8) -> Option<u8> {
    Some(sku)
}

fn main() {
    price(1);
}
