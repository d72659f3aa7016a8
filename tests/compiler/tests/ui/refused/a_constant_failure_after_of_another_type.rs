use breaker_runtime::circuit_breaker;

const PATIENCE: u64 = 80;

#[circuit_breaker(name = "prices", on_cancel = failure_after(PATIENCE))]
async fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    drop(price("tea"));
}
