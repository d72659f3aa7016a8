use breaker_runtime::{circuit_breaker, registry};

#[circuit_breaker(name = "shop", failure_threshold = 1)]
fn price(sku: &str) -> Option<usize> {
    sku.strip_prefix("t").map(str::len)
}

#[circuit_breaker(name = "shop")]
fn stock(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(stock("tea"), Some(3));
    assert_eq!(price("cup"), None);
    assert_eq!(stock("tea"), None);
    assert_eq!(registry().circuits().iter().filter(|it| it.name() == "shop").count(), 1);
}
