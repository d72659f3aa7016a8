use breaker_runtime::circuit_breaker;

#[derive(Clone)]
struct Ticket(u32);

impl Ticket {
    #[circuit_breaker(name = "prices", fallback = |_| Ok(self.0))]
    fn redeem(self) -> Result<u32, String> {
        Err(self.0.to_string())
    }
}

fn main() {
    let _ = Ticket(1).redeem();
}
