use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> u32 {
    sku.len() as u32
}

fn main() {
    price("tea");
}
