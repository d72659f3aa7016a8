use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", failure_treshold = 3)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
