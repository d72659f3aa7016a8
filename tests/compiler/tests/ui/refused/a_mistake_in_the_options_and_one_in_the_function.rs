use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", cooldown = 30)]
const fn price() -> Option<u32> {
    Some(1)
}

fn main() {
    price();
}
