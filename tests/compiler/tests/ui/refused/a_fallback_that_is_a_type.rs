use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = Cached)]
fn price(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

struct Cached;

fn main() {
    let _ = price("tea");
}
