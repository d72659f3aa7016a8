#![deny(warnings, clippy::pedantic)]

use breaker_runtime::{circuit_breaker, registry};

const NAME: &str = "constant";

mod names {
    pub const SHOP: &str = "in a module";

    pub const fn first(of: &'static [&'static str]) -> &'static str {
        of[0]
    }
}

struct Shop<T>(T);

trait Named {
    const NAME: &'static str;
}

impl Named for Shop<u8> {
    const NAME: &'static str = "of a type";
}

#[circuit_breaker(name = NAME)]
fn constant() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = names::SHOP, failure_threshold = 2)]
async fn in_a_module() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = <Shop<u8> as Named>::NAME, key = sku)]
fn of_a_type(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = concat!("joined", " ", 7))]
fn joined() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = names::first(&["computed"]))]
fn computed() -> Option<u32> {
    Some(1)
}

impl<T: Clone> Shop<T> {
    #[circuit_breaker(name = if cfg!(test) { "in a generic impl" } else { "untested" })]
    fn price(&self) -> Option<T> {
        Some(self.0.clone())
    }
}

macro_rules! guarded {
    ($function:ident, $name:expr) => {
        #[circuit_breaker(name = $name)]
        fn $function() -> Option<u32> {
            Some(1)
        }
    };
}

guarded!(literal_from_a_macro, "literal from a macro");
guarded!(constant_from_a_macro, names::SHOP);

#[test]
fn it_compiles_and_runs() {
    assert_eq!(constant(), joined());
    assert_eq!(of_a_type("tea"), Some(3));
    assert_eq!(literal_from_a_macro(), constant_from_a_macro());
    assert_eq!((computed(), Shop(1).price()), (Some(1), Some(1)));
    drop(in_a_module());
    for name in [
        "constant",
        "in a module",
        "of a type",
        "of a type/tea",
        "joined 7",
        "computed",
        "in a generic impl",
        "literal from a macro",
    ] {
        assert!(registry().get(name).is_some(), "{name}");
    }
}
