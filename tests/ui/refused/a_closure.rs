use breaker_runtime::circuit_breaker;

fn main() {
    #[circuit_breaker(name = "prices")]
    let price = |sku: &str| Some(sku.len());
    price("tea");
}
