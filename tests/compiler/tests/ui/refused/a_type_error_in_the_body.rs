use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<u32> {
    let length: u32 = sku.len();
    Some(length)
}

fn main() {
    price("tea");
}
