use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<usize> {
    std::future::ready(Some(sku.len())).await
}

fn main() {
    price("tea");
}
