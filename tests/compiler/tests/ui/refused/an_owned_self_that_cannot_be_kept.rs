use breaker_runtime::circuit_breaker;

struct Ticket(u32);

impl Ticket {
    #[circuit_breaker(name = "prices", fallback = Self::refund)]
    fn redeem(self) -> Result<u32, String> {
        Err(self.0.to_string())
    }

    fn refund(self) -> Result<u32, String> {
        Ok(self.0)
    }
}

fn main() {
    let _ = Ticket(1).redeem();
}
