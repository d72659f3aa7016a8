//! The page: one file, with a new nonce per request.

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::access::random_text;
use crate::answer::Failure;

const PAGE: &str = include_str!("page.html");
/// The placeholder of the nonce.
const PLACE: &str = "{{nonce}}";

/// Returns the page. Only its own script and style may run, because they carry the nonce.
pub(crate) async fn show() -> Result<Response, Failure> {
    let nonce = random_text::<16>().ok_or_else(Failure::no_random_numbers)?;
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers =
        [(CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (CONTENT_SECURITY_POLICY, policy)];
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
