use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", open_for = |_| None, fallback = 0)]
fn price(sku: &str) -> usize {
    sku.len()
}

fn main() {
    let _ = price("tea");
}
