//! Switching circuits, for those who have the token.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use breaker_runtime::{
    CircuitBreaker, Snapshot as CircuitSnapshot, State as CircuitState, registry,
};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout};

use crate::api::one;
use crate::body::Failure;
use crate::log::Control;
use crate::overrides::Override;
use crate::token::Token;
use crate::watch::Watch;

/// The most bytes of a body, and the most time that it may take.
const LARGEST_BODY: usize = 16 << 10;
const LONGEST_BODY: Duration = Duration::from_secs(10);
/// The longest time for which something may be switched. Longer is for good.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// A header that no form and no simple request of a foreign page has.
pub(crate) const DELIBERATE: &str = "x-breaker-control";

/// What somebody wants to be done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    name: String,
    action: Action,
    /// Seconds.
    #[serde(rename = "for")]
    lasts: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    ForceOpen,
    Disable,
    Reset,
    Trip,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ForceOpen => "force_open",
            Self::Disable => "disable",
            Self::Reset => "reset",
            Self::Trip => "trip",
        }
    }

    /// The state in which this leaves a circuit until somebody switches it again.
    const fn lasting(self) -> Option<CircuitState> {
        match self {
            Self::ForceOpen => Some(CircuitState::ForcedOpen),
            Self::Disable => Some(CircuitState::Disabled),
            Self::Reset | Self::Trip => None,
        }
    }

    fn perform(self, circuit: &CircuitBreaker) {
        match self {
            Self::ForceOpen => circuit.force_open(),
            Self::Disable => circuit.disable(),
            Self::Reset => circuit.reset(),
            Self::Trip => circuit.trip(),
        }
    }
}

impl Order {
    async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Failure> {
        let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| {
            let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
        });
        if !is_json {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be application/json",
            ));
        }
        let body = timeout(LONGEST_BODY, Limited::new(body, LARGEST_BODY).collect())
            .await
            .map_err(|_| {
                Failure::new(StatusCode::REQUEST_TIMEOUT, "the body took longer than ten seconds")
            })?
            .map_err(|_| {
                Failure::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body must be whole and have at most 16 KiB",
                )
            })?;
        serde_json::from_slice(&body.to_bytes()).map_err(|_| {
            Failure::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the body must be {\"name\", \"action\", \"for\"}, with an action of force_open, disable, reset, trip, \
                 and seconds or nothing",
            )
        })
    }

    /// For how long, if not for good.
    fn lasts(&self) -> Result<Option<Duration>, Failure> {
        let unfit = |reason| Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, reason));
        let Some(seconds) = self.lasts else { return Ok(None) };
        match Duration::try_from_secs_f64(seconds) {
            _ if matches!(self.action, Action::Reset | Action::Trip) => {
                unfit("`for` goes with force_open and disable: the others end by themselves")
            }
            Ok(time) if !time.is_zero() && time <= LONGEST => Ok(Some(time)),
            _ => unfit("`for` must be more than 0 and at most 30 days, in seconds"),
        }
    }
}

/// Takes orders. Where there is no token, nobody may give one, and there is nothing at this path.
pub(crate) async fn control(
    State(watch): State<Arc<Watch>>,
    State(token): State<Option<Token>>,
    request: Request,
) -> Result<Response, Failure> {
    let Some(token) = token else { return Err(crate::body::no_such_path().await) };
    let by = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let (parts, body) = request.into_parts();
    check_deliberate(&parts.headers, &parts.uri)?;
    if !is_authorized(&parts.headers, &token) {
        tracing::warn!(target: "breaker", { by = by.map(tracing::field::display) }, "control refused: wrong token");
        return Err(Failure::new(StatusCode::UNAUTHORIZED, "the token is missing or wrong"));
    }
    let order = Order::read(&parts.headers, body).await?;
    let lasts = order.lasts()?;
    let circuit = registry().get(&order.name).ok_or_else(Failure::no_such_circuit)?;
    carry_out(&watch, &circuit, order.action, lasts, by);
    one(&watch, &order.name)
}

/// A page of another site can have a browser send a request here, but not with a header of its choice, and
/// browsers tell where a request comes from.
fn check_deliberate(headers: &HeaderMap, uri: &Uri) -> Result<(), Failure> {
    let forbidden = |reason| Err(Failure::new(StatusCode::FORBIDDEN, reason));
    if !headers.contains_key(DELIBERATE) {
        return forbidden("the header `X-Breaker-Control` is missing");
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_foreign = headers.contains_key("sec-fetch-site")
        && !matches!(text("sec-fetch-site"), Some("same-origin" | "none"));
    // HTTP/2 has the host in the address.
    let host = text(HOST.as_str()).or(uri.authority().map(Authority::as_str));
    let origin = text(ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    let is_from_elsewhere =
        headers.contains_key(ORIGIN) && (host.is_none() || origin.map(|(_, from)| from) != host);
    if is_foreign || is_from_elsewhere {
        return forbidden("the request comes from another site");
    }
    Ok(())
}

fn is_authorized(headers: &HeaderMap, token: &Token) -> bool {
    let Some(given) = headers.get(AUTHORIZATION) else { return false };
    match given.as_bytes().split_at_checked("bearer ".len()) {
        Some((scheme, guess)) if scheme.eq_ignore_ascii_case(b"bearer ") => {
            token.is(guess.trim_ascii())
        }
        _ => false,
    }
}

fn carry_out(
    watch: &Arc<Watch>,
    circuit: &Arc<CircuitBreaker>,
    action: Action,
    lasts: Option<Duration>,
    by: Option<SocketAddr>,
) {
    let name = circuit.name();
    action.perform(circuit);
    let CircuitSnapshot { state, epoch, .. } = circuit.snapshot();
    let mut seen = watch.seen();
    // What was switched for a time before is now switched otherwise.
    seen.overrides.clear(name);
    // Somebody may have been faster, with another order.
    if let Some(lasts) = lasts.filter(|_| action.lasting() == Some(state)) {
        let until = Instant::now() + lasts;
        let number =
            seen.overrides.set(name, Override { action: action.as_str(), until, by, epoch });
        tokio::spawn(reset_at(Arc::clone(watch), Arc::clone(circuit), until, number));
    }
    drop(seen);
    let who = by.map_or_else(|| "somebody".to_owned(), |by| by.to_string());
    let how_long = lasts.map(|lasts| format!(" for {} s", lasts.as_secs_f64()));
    let text = format!("{}{} by {who}", action.as_str(), how_long.unwrap_or_default());
    note(watch, name, action, lasts, by, text);
}

/// Ends what was switched for a time, unless somebody has switched it since.
async fn reset_at(watch: Arc<Watch>, circuit: Arc<CircuitBreaker>, until: Instant, number: u64) {
    sleep_until(until).await;
    let ended = watch.seen().overrides.take(circuit.name(), number);
    if let Some(made) = ended.filter(|made| made.epoch == circuit.snapshot().epoch) {
        circuit.reset();
        let text = format!("reset: the time of {} is over", made.action);
        note(&watch, circuit.name(), Action::Reset, None, None, text);
    }
}

fn note(
    watch: &Watch,
    name: &str,
    action: Action,
    lasts: Option<Duration>,
    by: Option<SocketAddr>,
    text: String,
) {
    tracing::warn!(target: "breaker", { breaker.name = name, breaker.reason = %text }, "circuit was switched");
    let lasts = lasts.map(|lasts| lasts.as_secs_f64());
    watch.note(Control { name: name.to_owned(), action: action.as_str(), lasts, by, text });
}
