//! Why a request fails, and what the customer reads.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use breaker_runtime::{Rejected, TimedOut};
use redis::RedisError;
use thiserror::Error;

/// Why a request fails.
#[derive(Debug, Error)]
pub(super) enum ShopError {
    #[error("there is no such product")]
    NoSuchProduct,
    #[error("it is sold out")]
    SoldOut,
    #[error(transparent)]
    Refused(#[from] Rejected),
    #[error(transparent)]
    Late(#[from] TimedOut),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl IntoResponse for ShopError {
    fn into_response(self) -> Response {
        let text = self.to_string();
        match self {
            Self::NoSuchProduct => (StatusCode::NOT_FOUND, text).into_response(),
            Self::SoldOut => (StatusCode::CONFLICT, text).into_response(),
            Self::Late(_) => (StatusCode::GATEWAY_TIMEOUT, text).into_response(),
            Self::Http(_) | Self::Redis(_) => (StatusCode::BAD_GATEWAY, text).into_response(),
            Self::Refused(refused) => {
                let after = [(RETRY_AFTER, refused.retry_after_secs().to_string())];
                (StatusCode::SERVICE_UNAVAILABLE, after, text).into_response()
            }
        }
    }
}
