use breaker_runtime::circuit_breaker;

struct Ticket(u32);

#[circuit_breaker(name = "prices", fallback = cached)]
fn redeem(shop: &str, ticket: Ticket) -> Result<u32, String> {
    Err(format!("{shop} {}", ticket.0))
}

fn cached(_shop: &str, ticket: Ticket) -> Result<u32, String> {
    Ok(ticket.0)
}

fn main() {
    let _ = redeem("tea", Ticket(1));
}
