use breaker_runtime::circuit_breaker;

struct Ticket {
    number: u32,
}

#[circuit_breaker(name = "prices", fallback = |_| Ok(number))]
fn redeem(Ticket { number, .. }: Ticket) -> Result<u32, String> {
    Err(number.to_string())
}

fn main() {
    let _ = redeem(Ticket { number: 1 });
}
