use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = cached)]
fn price(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

fn cached(_sku: &str) -> u32 {
    1
}

fn main() {
    let _ = price("tea");
}
