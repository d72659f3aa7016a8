use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = Vec::new(), on_cancel = ignore)]
async fn prices() -> Vec<u8> {
    vec![1]
}

fn main() {
    drop(prices());
}
