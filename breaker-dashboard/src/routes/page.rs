//! The page: one file, with a new nonce per request.

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS};
use axum::response::{IntoResponse, Response};

use crate::access::random_text;
use crate::answer::Failure;

const PAGE: &str = include_str!("page.html");
/// The placeholder of the nonce.
const PLACE: &str = "{{nonce}}";

/// Whose pages may show the page in a frame. A foreign page could have its visitors click unseen controls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Frames {
    #[default]
    Nobody,
    SameOrigin,
}

impl Frames {
    /// For `Content-Security-Policy`, and for `X-Frame-Options`.
    const fn as_headers(self) -> (&'static str, &'static str) {
        match self {
            Self::Nobody => ("'none'", "DENY"),
            Self::SameOrigin => ("'self'", "SAMEORIGIN"),
        }
    }
}

/// Returns the page. Only its own script and style may run, because they carry the nonce.
pub(crate) async fn show(State(frames): State<Frames>) -> Result<Response, Failure> {
    let (ancestors, options) = frames.as_headers();
    let nonce = random_text::<16>().ok_or_else(Failure::no_random_numbers)?;
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy),
        (X_FRAME_OPTIONS, options.to_owned()),
    ];
    Ok((headers, PAGE.replace(PLACE, &nonce)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        assert!(
            PAGE.contains("<script nonce=\"{{nonce}}\">")
                && PAGE.contains("<style nonce=\"{{nonce}}\">")
        );
        for foreign in [
            "src=\"http",
            "href=\"http",
            "@import",
            "url(http",
            "innerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!PAGE.contains(foreign), "`{foreign}` is in the page");
        }
    }
}
