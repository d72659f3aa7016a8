use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", failure_threshold = true)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
