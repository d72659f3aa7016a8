//! The origins of pages that may switch circuits although they use another host.

use std::sync::Arc;

use super::host::{Host, HostError};

/// A scheme, a host and a port, as browsers write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    is_secure: bool,
    host: Host,
    port: u16,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let (is_secure, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return None,
        };
        let (host, port) = Host::with_port(authority)?;
        Some(Self { is_secure, host, port: port.unwrap_or(usual_port) })
    }
}

/// The allowed origins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Arc<[Origin]>);

impl Origins {
    /// # Errors
    ///
    /// If no browser sends such an `Origin`.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), HostError> {
        let origin = Origin::parse(text).ok_or_else(|| HostError::origin(text))?;
        self.0 = self.0.iter().cloned().chain([origin]).collect();
        Ok(())
    }

    pub(crate) fn allow(&self, text: &str) -> bool {
        Origin::parse(text).is_some_and(|origin| self.0.contains(&origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_the_same_however_it_is_written() {
        let origin = |text| Origin::parse(text).unwrap();
        assert_eq!(origin("https://ops.example.com"), origin("HTTPS://Ops.Example.Com:443"));
        assert_eq!(origin("http://[2001:db8::1]"), origin("http://[2001:DB8:0::1]:80"));
        for other in
            ["http://ops.example.com", "https://ops.example.com:8443", "https://example.com"]
        {
            assert_ne!(origin("https://ops.example.com"), origin(other), "{other}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_no_origin() {
        for text in [
            "",
            "null",
            "ops.example.com",
            "ops.example.com:443",
            "https://",
            "https://ops.example.com/",
            "https://ops.example.com/breakers",
            "https://me@ops.example.com",
            "https://*.example.com",
            "https://ops.example.com:https",
            "https://ops.example.com:65536",
            "ftp://ops.example.com",
            " https://ops.example.com",
        ] {
            assert!(Origin::parse(text).is_none(), "{text}");
        }
    }
}
