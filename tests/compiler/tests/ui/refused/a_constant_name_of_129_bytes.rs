use breaker_runtime::circuit_breaker;

const NAME: &str = match std::str::from_utf8(&[b'n'; 129]) {
    Ok(name) => name,
    Err(_) => "",
};

#[circuit_breaker(name = NAME)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
