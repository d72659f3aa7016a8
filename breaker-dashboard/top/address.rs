//! Where the dashboard is.

use axum::http::Uri;

/// The address of a dashboard, as it was given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Host and port, as the header `Host` has them.
    pub(crate) host: String,
    /// The port to connect to, if `host` has none.
    port: Option<u16>,
    path: String,
}

impl Address {
    /// Reads `http://127.0.0.1:3000/breakers`, also without `http://` and with a `/` at the end.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = whole.parse().map_err(|error| format!("`{text}` is no address: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err(format!(
                "`{text}` is not http; use the address of the service itself, or a tunnel to it"
            ));
        }
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        if uri.host().is_none_or(str::is_empty) || host.contains('@') {
            return Err(format!("`{text}` has no host"));
        }
        let port = uri.port().is_none().then_some(80);
        Ok(Self { host, port, path: uri.path().trim_end_matches('/').to_owned() })
    }

    /// What to connect to.
    pub(crate) fn endpoint(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }

    /// The path of the stream.
    pub(crate) fn events(&self) -> String {
        format!("{}/api/events", self.path)
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}{}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> [String; 3] {
        let address = Address::parse(text).unwrap();
        [address.endpoint(), address.events(), address.to_string()]
    }

    #[test]
    fn the_path_of_the_page_is_that_of_the_stream() {
        let expected = ["127.0.0.1:3000", "/breakers/api/events", "http://127.0.0.1:3000/breakers"];
        assert_eq!(parts("http://127.0.0.1:3000/breakers"), expected);
        assert_eq!(parts("http://127.0.0.1:3000/breakers/"), expected);
        assert_eq!(parts("127.0.0.1:3000/breakers"), expected);
    }

    #[test]
    fn an_address_may_have_no_path_no_port_and_six_parts() {
        assert_eq!(parts("shop"), ["shop:80", "/api/events", "http://shop"]);
        assert_eq!(parts("http://[::1]:3030/")[0], "[::1]:3030");
    }

    #[test]
    fn an_address_that_cannot_be_used_says_why() {
        let why = |text: &str| Address::parse(text).unwrap_err();
        assert!(why("https://shop/").contains("is not http"));
        assert!(why("http://").contains("is no address"));
        assert!(why("a b").contains("is no address"));
        assert!(why("http://token@shop").contains("no host"));
    }
}
