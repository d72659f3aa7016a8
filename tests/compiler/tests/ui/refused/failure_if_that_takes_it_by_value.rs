use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", failure_if = is_bad, fallback = Ok(0))]
fn price(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

fn is_bad(_: Result<u32, String>) -> bool {
    true
}

fn main() {
    let _ = price("tea");
}
