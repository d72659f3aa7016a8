use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len() + amount)
}

fn main() {
    price("tea");
}
