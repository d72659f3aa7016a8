use std::num::ParseIntError;

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(page: &str) -> Result<u32, ParseIntError> {
    page.parse()
}

fn main() {
    let _ = price("99");
}
