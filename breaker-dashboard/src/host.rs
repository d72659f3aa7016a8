//! The names under which the dashboard may be asked.
//!
//! *Why it exists:* a page on `evil.example` may have its own name point at 127.0.0.1, and then read, in
//! the browser of whoever looks at it, what this port answers: "DNS rebinding". Such a request asks for the
//! host `evil.example`, so it is enough to answer only to names that are expected.

use std::net::IpAddr;

/// The hosts that are answered: those of the loopback, and what was added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    names: Vec<String>,
    any_address: bool,
}

impl Hosts {
    pub(crate) fn add(&mut self, name: &str) {
        self.names.push(bare(name).to_ascii_lowercase());
    }

    /// A page cannot have an address point at another one, only a name.
    pub(crate) fn add_addresses(&mut self) {
        self.any_address = true;
    }

    /// Whether a `Host`, with or without a port, is expected.
    pub(crate) fn expect(&self, host: &str) -> bool {
        let host = bare(host).to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let is_loopback = host == "localhost" || host.ends_with(".localhost");
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        is_loopback
            || address.is_ok_and(|address| self.any_address || address.is_loopback())
            || self.names.iter().any(|name| name == host)
    }
}

/// A host without its port.
fn bare(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (name.ends_with(']') || !name.contains(':')) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h05_names_and_addresses_of_the_loopback_are_expected() {
        let hosts = Hosts::default();
        for host in [
            "localhost",
            "LOCALHOST:3030",
            "localhost.",
            "app.localhost:1",
            "127.0.0.1",
            "127.8.8.8:80",
            "[::1]",
            "[::1]:3030",
        ] {
            assert!(hosts.expect(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evillocalhost",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]",
            "",
            "localhost:x",
            "a@localhost",
        ] {
            assert!(!hosts.expect(host), "{host}");
        }
    }

    #[test]
    fn h05_others_are_when_they_were_added() {
        let mut hosts = Hosts::default();
        hosts.add("Ops.Example.com:8443");
        assert!(hosts.expect("ops.example.com") && hosts.expect("OPS.example.com:80"));
        assert!(!hosts.expect("example.com") && !hosts.expect("ops.example.com.evil.example"));
        assert!(!hosts.expect("10.0.0.1:9090"));
        hosts.add_addresses();
        assert!(hosts.expect("10.0.0.1:9090") && hosts.expect("[2001:db8::1]:9090"));
        assert!(!hosts.expect("evil.example"));
    }
}
