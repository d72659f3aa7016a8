use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = String::new())]
fn price() -> impl Future<Output = String> {
    std::future::ready("1".to_owned())
}

fn main() {
    drop(price());
}
