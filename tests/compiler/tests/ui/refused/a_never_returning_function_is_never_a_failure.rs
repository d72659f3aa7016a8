use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "workers", fallback = std::process::abort())]
fn work() -> ! {
    loop {}
}

fn main() {
    work();
}
