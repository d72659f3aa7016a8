use breaker_runtime::{circuit_breaker, registry};

#[circuit_breaker(name = r#"the "prices" of Zürich / EUR"#)]
fn price() -> Option<u32> {
    Some(1)
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(price(), Some(1));
    assert!(registry().get(r#"the "prices" of Zürich / EUR"#).is_some());
}
