//! More brackets in each other than the parser's stack may have room for.

use breaker_runtime::circuit_breaker;

#[rustfmt::skip]
#[circuit_breaker(name = "prices", fallback = (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((0))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))]
fn price() -> u32 {
    1
}

fn main() {
    price();
}
