use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: Sku) -> Option<u32> {
    Some(1)
}

fn main() {
    price(());
}
