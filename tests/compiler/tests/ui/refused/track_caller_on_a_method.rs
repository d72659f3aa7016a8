use breaker_runtime::circuit_breaker;

struct Shop(Option<u32>);

impl Shop {
    #[circuit_breaker(name = "prices")]
    #[track_caller]
    fn price(&self) -> Option<u32> {
        Some(self.0? + 1)
    }
}

fn main() {
    Shop(None).price();
}
