use breaker_runtime::circuit_breaker;

struct WheatFuture(u32);

#[circuit_breaker(name = "prices", failures = panics, fallback = |_| WheatFuture(0))]
fn price(sku: u32) -> WheatFuture {
    WheatFuture(sku)
}

fn main() {
    price(1);
}
