use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", ignore_if = is_busy, fallback = Ok(0))]
fn price(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

fn is_busy(_: &u8) -> bool {
    true
}

fn main() {
    let _ = price("tea");
}
