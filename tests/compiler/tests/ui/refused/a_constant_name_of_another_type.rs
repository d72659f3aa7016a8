use breaker_runtime::circuit_breaker;

const NAME: u32 = 7;

#[circuit_breaker(name = NAME)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
