use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
async fn price(sku: &str) -> Option<usize> {
    if sku.is_empty() {
        return 0;
    }
    Some(sku.len())
}

fn main() {
    drop(price("tea"));
}
