use breaker_runtime::circuit_breaker;

type Fetched<T> = Result<T, std::num::ParseIntError>;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Fetched<u8> {
    sku.parse()
}

fn main() {
    let _ = price("tea");
}
