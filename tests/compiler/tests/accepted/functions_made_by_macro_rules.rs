use breaker_runtime::circuit_breaker;

macro_rules! guarded {
    ($function:ident, $name:literal, $limit:expr, $output:ty, $fallback:expr, $body:block) => {
        #[circuit_breaker(name = $name, failure_threshold = $limit, slow_call = "1h", fallback = $fallback)]
        fn $function(number: u32) -> $output {
            let _ = number;
            $body
        }
    };
}

macro_rules! documented {
    ($item:item) => {
        #[circuit_breaker(name = "item")]
        $item
    };
}

guarded!(first, "first", 3, Result<u32, String>, |_| Ok(1 + 1), { Err("lost".to_owned()) });
guarded!(second, "second", 1 + 2, u32, 7, { 8 });

documented! {
    /// The price.
    fn price(sku: &str) -> Option<usize> {
        Some(sku.len())
    }
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(first(1), Ok(2));
    assert_eq!(second(1), 8);
    assert_eq!(price("tea"), Some(3));
}
