use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = 0)]
fn price(sku: u8) -> u8 {
    sku
}

fn main() {
    price(1);
}
