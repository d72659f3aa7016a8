use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
mod prices {
    pub fn price() -> Option<u32> {
        Some(1)
    }
}

fn main() {
    prices::price();
}
