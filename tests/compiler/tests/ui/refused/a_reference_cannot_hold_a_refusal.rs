use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> &'static str {
    if sku.is_empty() { "free" } else { "dear" }
}

fn main() {
    price("tea");
}
