use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<usize> {
    let length = sku.len()
    Some(length)
}

fn main() {
    price("tea");
}
