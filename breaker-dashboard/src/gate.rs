//! What holds for every request and every answer.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::body::Failure;
use crate::host::Hosts;

/// What goes with every answer, unless it has its own.
const HEADERS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Answers only to hosts that are expected, and puts the headers on.
pub(crate) async fn pass(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let mut response = if is_expected(&hosts, request.headers(), request.uri()) {
        next.run(request).await
    } else {
        Failure::new(
            StatusCode::FORBIDDEN,
            "this host is not expected here: whoever runs the dashboard can allow it with `allow_host`",
        )
        .into_response()
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Every browser says which host it asks for. What names none is no browser, and cannot be misled.
fn is_expected(hosts: &Hosts, headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get_all(HOST).iter().map(HeaderValue::to_str);
    named.into_iter().all(|host| host.is_ok_and(|host| hosts.expect(host)))
        && uri.authority().is_none_or(|authority| hosts.expect(authority.as_str()))
}
