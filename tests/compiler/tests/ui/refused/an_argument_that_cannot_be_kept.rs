use breaker_runtime::circuit_breaker;

struct Ticket(u32);

#[circuit_breaker(name = "prices", fallback = |_| Ok(ticket.0))]
fn redeem(ticket: Ticket) -> Result<u32, String> {
    Err(ticket.0.to_string())
}

fn main() {
    let _ = redeem(Ticket(1));
}
