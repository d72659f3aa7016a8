use breaker_runtime::circuit_breaker;

struct Client {
    hosts: Vec<String>,
}

impl Client {
    #[circuit_breaker(name = "hosts", key = self.hosts)]
    async fn ask(&self) -> Option<usize> {
        Some(self.hosts.len())
    }
}

fn main() {
    drop(Client { hosts: Vec::new() }.ask());
}
