//! The host names that the dashboard answers to.
//!
//! *Why it exists:* a page on `evil.example` can make its own name resolve to 127.0.0.1. Then it can read the
//! responses of this port in its visitor's browser: "DNS rebinding". Such a request has the `Host`
//! `evil.example`. So it is enough to answer only to expected names.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// What DNS allows.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A host that a browser can request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// In lower case, without a dot at the end.
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// Parses text with or without a port, such as a `Host` header.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::with_port(text).map(|(host, _)| host)
    }

    pub(crate) fn with_port(text: &str) -> Option<(Self, Option<u16>)> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            return Some((Self::address(address.parse::<Ipv6Addr>().ok()?), port(rest)?));
        }
        let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        let port = port(rest)?;
        match name.parse::<IpAddr>() {
            Ok(address) => Some((Self::address(address), port)),
            Err(_) => Some((Self::Name(domain(name)?), port)),
        }
    }

    fn address(address: impl Into<IpAddr>) -> Self {
        Self::Address(address.into().to_canonical())
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::Address(address) => address.is_loopback(),
        }
    }
}

/// The rest after a host: nothing, or a colon and a number.
#[expect(clippy::option_option, reason = "no port is not the same as one that is none")]
fn port(rest: &str) -> Option<Option<u16>> {
    let Some(digits) = rest.strip_prefix(':') else { return rest.is_empty().then_some(None) };
    if digits.is_empty() {
        return Some(None);
    }
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok().map(Some) } else { None }
}

fn domain(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=LONGEST_LABEL).contains(&label.len()) && label.bytes().all(is_allowed)
    };
    let is_domain = name.len() <= LONGEST_NAME && name.split('.').all(is_label);
    is_domain.then(|| name.to_ascii_lowercase())
}

/// The allowed hosts: the loopback's, and those that were added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    known: Vec<Host>,
    any_address: bool,
}

impl Hosts {
    /// # Errors
    ///
    /// If no browser can request such a host.
    pub(crate) fn add(&mut self, host: &str) -> Result<(), HostError> {
        // An address may be written with or without its brackets here.
        let host = match host.parse::<Ipv6Addr>() {
            Ok(address) => Host::address(address),
            Err(_) => Host::parse(host).ok_or_else(|| HostError::host(host))?,
        };
        self.known.push(host);
        Ok(())
    }

    pub(crate) fn add_address(&mut self, address: IpAddr) {
        self.known.push(Host::address(address));
    }

    /// A page can make a name resolve to another address, but not an address.
    pub(crate) fn add_addresses(&mut self) {
        self.any_address = true;
    }

    /// Whether a `Host`, with or without a port, is allowed.
    pub(crate) fn expect(&self, host: &str) -> bool {
        Host::parse(host).is_some_and(|host| {
            host.is_loopback()
                || self.any_address && matches!(host, Host::Address(_))
                || self.known.contains(&host)
        })
    }
}

/// A host or an origin that no browser sends, so allowing it would do nothing.
///
/// # Examples
///
/// ```
/// use breaker_dashboard::Dashboard;
///
/// let error = Dashboard::new().allow_host("https://ops.example.com/").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "\"https://ops.example.com/\" is not a host; expected a name or an address, with or without a port, as in \
///      `ops.example.com`"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostError {
    given: String,
    expected: &'static str,
}

impl HostError {
    fn host(given: &str) -> Self {
        let expected = if given.is_ascii() {
            "is not a host; expected a name or an address, with or without a port, as in `ops.example.com`"
        } else {
            "is not a host; expected a name as browsers send it, in ASCII, as in `xn--bcher-kva.example`"
        };
        Self { given: given.to_owned(), expected }
    }

    pub(crate) fn origin(given: &str) -> Self {
        let expected = "is not an origin; expected a scheme and a host as browsers send them, without a path, as in \
                        `https://ops.example.com`";
        Self { given: given.to_owned(), expected }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.given, self.expected)
    }
}

impl Error for HostError {}

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
            "localhost:",
            "app.localhost:1",
            "127.0.0.1",
            "127.8.8.8:80",
            "[::1]",
            "[::1]:3030",
            "[::ffff:127.0.0.1]:3030",
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
            "[::1",
            "[127.0.0.1]",
            "[localhost]",
            "",
            ".localhost",
            "localhost..",
            "localhost:x",
            "localhost:+80",
            "localhost:65536",
            "a@localhost",
        ] {
            assert!(!hosts.expect(host), "{host}");
        }
    }

    #[test]
    fn h05_others_are_when_they_were_added() {
        let mut hosts = Hosts::default();
        hosts.add("Ops.Example.com:8443").unwrap();
        assert!(hosts.expect("ops.example.com") && hosts.expect("OPS.example.com:80"));
        assert!(!hosts.expect("example.com") && !hosts.expect("ops.example.com.evil.example"));
        assert!(!hosts.expect("10.0.0.1:9090"));
        hosts.add_addresses();
        assert!(hosts.expect("10.0.0.1:9090") && hosts.expect("[2001:db8::1]:9090"));
        assert!(!hosts.expect("evil.example"));
    }

    #[test]
    fn h05_what_was_added_is_expected_however_it_is_written() {
        let spellings = [
            ("ops.example.com.", "ops.example.com"),
            ("2001:DB8:0::1", "[2001:db8::1]:9090"),
            ("[2001:db8::1]:80", "[2001:db8:0::1]"),
            ("10.0.0.7:3030", "[::ffff:10.0.0.7]"),
            ("my_service", "my_service:80"),
        ];
        for (added, asked) in spellings {
            let mut hosts = Hosts::default();
            hosts.add(added).unwrap();
            assert!(hosts.expect(asked), "{asked} where {added} was added");
        }
    }

    #[test]
    fn what_can_never_be_asked_for_cannot_be_added() {
        let long = [&"n".repeat(64), ".example"].concat();
        for host in [
            "",
            ".",
            "https://ops.example.com",
            "ops.example.com/breakers",
            "*.example.com",
            "ops example com",
            " ops.example.com",
            "me@ops.example.com",
            "ops.example.com:https",
            ":8443",
            "[2001:db8::1",
            "10.0.0.0/8",
            "ops..example.com",
            "bücher.example",
            &long,
        ] {
            let error = Hosts::default().add(host).unwrap_err().to_string();
            assert!(error.contains("expected a name"), "{error}");
        }
        assert!(Hosts::default().add("bücher.example").unwrap_err().to_string().contains("xn--"));
    }
}
