//! Keeps pages of other sites away: they can have a browser send requests here.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// A header that no form and no simple request of a foreign page can have.
const DELIBERATE: HeaderName = HeaderName::from_static("x-shop-tour");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Answers requests to this machine only. A name that a foreign page has made resolve to it is another host.
pub(super) async fn expected(request: Request, next: Next) -> Response {
    match host(request.headers()) {
        Some(host) if is_loopback(&host) => next.run(request).await,
        _ => (StatusCode::FORBIDDEN, "this host is not expected").into_response(),
    }
}

/// Answers requests that only a page of the shop, or a program, can have sent.
pub(super) async fn deliberate(request: Request, next: Next) -> Response {
    if is_deliberate(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this comes from another site, or lacks the header `X-Shop-Tour`")
            .into_response()
    }
}

fn is_deliberate(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE);
    let is_foreign = site.is_some_and(|site| site != "same-origin" && site != "none");
    let is_own = headers.get(ORIGIN).is_none_or(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        origin.and_then(|origin| origin.parse().ok()) == host(headers)
    });
    headers.contains_key(DELIBERATE) && !is_foreign && is_own
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(HOST)?.to_str().ok()?.parse().ok()
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
