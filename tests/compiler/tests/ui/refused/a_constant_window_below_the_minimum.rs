use breaker_runtime::circuit_breaker;

const WINDOW: u32 = 20;

#[circuit_breaker(name = "prices", failure_rate = 0.5, window = WINDOW, minimum_calls = 21)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
