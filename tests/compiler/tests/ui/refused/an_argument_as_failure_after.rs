use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", on_cancel = failure_after(sku))]
async fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    drop(price("tea"));
}
