use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = std::process::abort())]
fn pricing(factor: usize) -> impl Fn(&str) -> usize {
    move |sku, count| factor * count
}

fn main() {
    let _ = pricing(2)("tea");
}
