//! Access: who may read, who may switch circuits, and who sees who did.

mod attempts;
mod gate;
mod host;
mod origin;
mod token;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use breaker_runtime::{FleetStatus, Snapshot, registry};
use tokio::time::Instant;

use self::attempts::{Attempts, Source};
pub(crate) use self::gate::{headers, pass};
pub use self::host::HostError;
pub(crate) use self::host::Hosts;
pub(crate) use self::origin::Origins;
pub(crate) use self::token::random_text;
pub use self::token::{Token, TokenError};
use crate::answer::Failure;

const SCHEME: &[u8] = b"bearer ";

/// The token, and the wrong tokens so far.
#[derive(Debug)]
pub(crate) struct Access {
    token: Token,
    attempts: Mutex<Attempts>,
}

impl Access {
    pub(crate) fn new(token: Token) -> Self {
        Self { token, attempts: Mutex::default() }
    }

    /// Whether a request carries the token. A request without one may still read.
    ///
    /// # Errors
    ///
    /// If it carries a wrong token, or if its source has sent too many.
    pub(crate) fn check(&self, headers: &HeaderMap, by: Option<IpAddr>) -> Result<bool, Failure> {
        let Some(guess) = once(headers, &AUTHORIZATION)?.and_then(bearer) else { return Ok(false) };
        let now = Instant::now();
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_looked_at = attempts.may_try(source(by), now);
        if is_looked_at && self.token.is(guess) {
            return Ok(true);
        }
        let count = attempts.fail(source(by), is_looked_at, now);
        let is_logged = attempts.is_logged(now);
        drop(attempts);
        if is_logged {
            tracing::warn!(
                target: "breaker",
                { by = by.map(tracing::field::display), breaker.wrong_tokens = count },
                "control refused: wrong token"
            );
        }
        Err(if is_looked_at { Failure::wrong_token() } else { Failure::too_many_tokens() })
    }

    /// The number of requests with a wrong token, checked or not.
    pub(crate) fn wrong_tokens(&self) -> u64 {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).count()
    }
}

/// The value of a header that decides something. It must not be there twice, because a proxy may use the
/// other value.
pub(crate) fn once<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Failure> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "`Authorization`, `Origin` and `Sec-Fetch-Site` must not be given twice",
        )),
    }
}

fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, guess) = value.as_bytes().split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| guess.trim_ascii())
}

/// The source of a request, if the server provides it.
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    let info = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(info.0.ip().to_canonical())
}

/// A client with one IPv6 address has the 2^64 addresses of its network.
fn source(by: Option<IpAddr>) -> Source {
    by.map(|by| match by {
        IpAddr::V4(_) => by,
        IpAddr::V6(by) => Ipv6Addr::from_bits(by.to_bits() & !u128::from(u64::MAX)).into(),
    })
}

/// Whether the request may see who switched circuits, and the names of the fleet's members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsTrusted(pub(crate) bool);

impl<S> FromRequestParts<S> for IsTrusted
where
    S: Send + Sync,
    Option<Arc<Access>>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let access = Option::<Arc<Access>>::from_ref(state);
        let by = address(&parts.extensions);
        access.map_or(Ok(false), |access| access.check(&parts.headers, by)).map(Self)
    }
}

/// All circuits, as everyone may see them.
pub(crate) fn public_circuits() -> Vec<Snapshot> {
    let circuits = registry().snapshot().circuits;
    circuits.into_iter().map(|circuit| shown_to(IsTrusted(false), circuit)).collect()
}

/// The connection to the fleet. Where the engine is, and which member this is, is for those who may switch circuits.
pub(crate) fn fleet_shown_to(IsTrusted(is_trusted): IsTrusted) -> Option<FleetStatus> {
    let mut status = registry().advisor()?.status();
    if !is_trusted {
        status.withhold_names();
    }
    Some(status)
}

/// A circuit, without the name of who switched it unless the request may see that.
pub(crate) fn shown_to(IsTrusted(is_trusted): IsTrusted, mut circuit: Snapshot) -> Snapshot {
    if !is_trusted {
        circuit.withhold_names();
    }
    circuit
}
