//! Checks every request, and sets the headers of every response.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::set_header::response::SetMultipleResponseHeadersLayer;

use super::Hosts;
use crate::answer::Failure;

const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// The headers of every response, unless it has its own.
pub(crate) fn headers() -> SetMultipleResponseHeadersLayer<Response> {
    SetMultipleResponseHeadersLayer::if_not_present(HEADERS.map(Into::into).into())
}

/// Refuses requests with an unexpected `Host`. This stops DNS rebinding.
pub(crate) async fn pass(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if is_expected(&hosts, request.headers(), request.uri()) {
        return next.run(request).await;
    }
    Failure::new(
        StatusCode::FORBIDDEN,
        "this host is not allowed; the operator of the dashboard can add it with `allow_host`",
    )
    .into_response()
}

/// Browsers always send a host. A client that sends none is no browser, and cannot be tricked into this.
fn is_expected(hosts: &Hosts, headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get_all(HOST).iter().map(HeaderValue::to_str);
    named.into_iter().all(|host| host.is_ok_and(|host| hosts.expect(host)))
        && uri.authority().is_none_or(|authority| hosts.expect(authority.as_str()))
}
