use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| other(), fallback_on = rejected)]
fn price<T: Future<Output = Option<u8>>>(task: T, other: fn() -> T) -> T {
    drop(other);
    task
}

fn main() {
    let other = || std::future::ready(None);
    drop(price(std::future::ready(Some(1)), other));
}
