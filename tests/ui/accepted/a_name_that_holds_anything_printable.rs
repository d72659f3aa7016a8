use breaker_runtime::{circuit_breaker, registry};

#[circuit_breaker(name = r#"the "prices" of Zürich / EUR"#)]
fn price() -> Option<u32> {
    Some(1)
}

fn main() {
    assert_eq!(price(), Some(1));
    assert!(registry().get(r#"the "prices" of Zürich / EUR"#).is_some());
}
