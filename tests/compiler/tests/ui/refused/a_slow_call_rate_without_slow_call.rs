use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", slow_call_rate = 0.2)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
