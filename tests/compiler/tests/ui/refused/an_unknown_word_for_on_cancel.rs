use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", on_cancel = success)]
async fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
