use breaker_runtime::circuit_breaker;

trait Task: Future<Output = u8> + Send {}

impl<F: Future<Output = u8> + Send> Task for F {}

#[circuit_breaker(name = "prices", fallback = |_| std::future::ready(0))]
fn price(sku: u8) -> impl Task {
    std::future::ready(sku)
}

fn main() {
    drop(price(1));
}
