use breaker_runtime::circuit_breaker;

const HOSTS: usize = 8;

#[circuit_breaker(name = "prices", key = sku, max_keys = HOSTS)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
