use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| Ok(show(&what)))]
fn redeem<T>(what: T) -> Result<u32, String> {
    Err(show(&what).to_string())
}

fn show<T>(_: &T) -> u32 {
    1
}

fn main() {
    let _ = redeem(1);
}
