//! Switches circuits, for clients with the token.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request, State};
use axum::http::header::{HOST, HeaderName, HeaderValue, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use breaker_runtime::{CircuitBreaker, Mode, Override, registry};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::api::one;
use crate::access::{Access, IsTrusted, Origins, address, once};
use crate::answer::{Failure, no_such_path};
use crate::watch::{Control, Watch};

/// The maximum size of a body, and the maximum time to receive it.
pub(crate) const LARGEST_ORDER: usize = 16 << 10;
const LONGEST_BODY: Duration = Duration::from_secs(10);
/// The longest time that an order may last. Longer orders are permanent.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The same for orders to all members of a fleet, which must end by themselves.
const LONGEST_FOR_ALL: Duration = Duration::from_secs(24 * 60 * 60);
/// A header that no form and no simple request of a foreign page can have.
const DELIBERATE: &str = "x-breaker-control";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FOREIGN_BODY: Failure =
    Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json");
const LATE_BODY: Failure =
    Failure::new(StatusCode::REQUEST_TIMEOUT, "the body took longer than ten seconds");
const LARGE_BODY: Failure =
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "the body must be whole and have at most 16 KiB");
const UNFIT_BODY: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "the body must be {\"name\", \"action\", \"for\"}, with an action of force_open, disable, observe, reset, trip, \
     override, end_overrides, and seconds or nothing; override has \"option\" and \"value\" too, as strings; \
     \"all_members\" is true or false",
);
/// The maximum size of a value in bytes. The log keeps it, and everybody sees it.
const LONGEST_VALUE: usize = 128;
const LONG_VALUE: Failure =
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "`value` must have at most 128 bytes");
const UNFIT_TIME: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "`for` must be more than 0 and at most 30 days, in seconds",
);
const UNFIT_TIME_FOR_ALL: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "with `all_members`, `for` must be more than 0 and at most a day, in seconds",
);
const NOT_FOR_ALL: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "`all_members` is only for force_open, disable, observe and override",
);
const NO_FLEET: Failure =
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "this process is in no fleet");

/// An order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    name: String,
    action: Action,
    /// In seconds.
    #[serde(rename = "for")]
    lasts: Option<f64>,
    option: Option<String>,
    value: Option<String>,
    /// Whether all members of the fleet get it.
    #[serde(default)]
    all_members: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
enum Action {
    ForceOpen,
    Disable,
    Observe,
    Reset,
    Trip,
    Override,
    EndOverrides,
}

impl Action {
    const ALL: [Self; 7] = [
        Self::ForceOpen,
        Self::Disable,
        Self::Observe,
        Self::Reset,
        Self::Trip,
        Self::Override,
        Self::EndOverrides,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::ForceOpen => "force_open",
            Self::Disable => "disable",
            Self::Observe => "observe",
            Self::Reset => "reset",
            Self::Trip => "trip",
            Self::Override => "override",
            Self::EndOverrides => "end_overrides",
        }
    }

    /// Whether it can be for a time.
    const fn may_last(self) -> bool {
        !matches!(self, Self::Reset | Self::Trip | Self::EndOverrides)
    }
}

/// What an order does to a circuit.
enum Step<'a> {
    Override(Override<'a>),
    /// Back to the mode of the settings, which may be to observe: `Mode::Normal` would have calls refused.
    Reset,
    Trip,
    EndOverrides,
}

impl TryFrom<String> for Action {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        Self::ALL.into_iter().find(|action| action.as_str() == word).ok_or("no such action")
    }
}

impl<S: Send + Sync> FromRequest<S> for Order {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let reading = Json::<Box<RawValue>>::from_request(request, state);
        let Json(body) = timeout(LONGEST_BODY, reading).await.map_err(|_| LATE_BODY)??;
        // Serde would also read a struct from an array.
        let is_object = body.get().starts_with('{');
        serde_json::from_str(body.get()).ok().filter(|_| is_object).ok_or(UNFIT_BODY)
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::MissingJsonContentType(_) => FOREIGN_BODY,
            JsonRejection::BytesRejection(_) => LARGE_BODY,
            _ => UNFIT_BODY,
        }
    }
}

impl Order {
    /// How long it lasts. `None` is permanent.
    fn lasts(&self) -> Result<Option<Duration>, Failure> {
        let (longest, unfit) = match self.all_members {
            true if !self.action.may_last() => return Err(NOT_FOR_ALL),
            true => (LONGEST_FOR_ALL, UNFIT_TIME_FOR_ALL),
            false => (LONGEST, UNFIT_TIME),
        };
        let Some(seconds) = self.lasts else {
            return if self.all_members { Err(unfit) } else { Ok(None) };
        };
        match Duration::try_from_secs_f64(seconds) {
            _ if !self.action.may_last() => Err(Failure::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "`for` is only for force_open, disable, observe and override",
            )),
            Ok(time) if !time.is_zero() && time <= longest => Ok(Some(time)),
            _ => Err(unfit),
        }
    }

    /// What to do. Only an override of an option has an option and a value.
    fn step(&self) -> Result<Step<'_>, Failure> {
        let mode = |mode| Ok(Step::Override(Override::Mode(mode)));
        match (self.action, self.option(), self.value()) {
            (Action::Override, Some(_), Some(value)) if value.len() > LONGEST_VALUE => {
                Err(LONG_VALUE)
            }
            (Action::Override, Some(option), Some(value)) => {
                Ok(Step::Override(Override::Option(option, value)))
            }
            (Action::ForceOpen, None, None) => mode(Mode::ForcedOpen),
            (Action::Disable, None, None) => mode(Mode::Disabled),
            (Action::Observe, None, None) => mode(Mode::Observe),
            (Action::Reset, None, None) => Ok(Step::Reset),
            (Action::Trip, None, None) => Ok(Step::Trip),
            (Action::EndOverrides, None, None) => Ok(Step::EndOverrides),
            _ => Err(UNFIT_BODY),
        }
    }

    fn option(&self) -> Option<&str> {
        self.option.as_deref().map(str::trim)
    }

    fn value(&self) -> Option<&str> {
        self.value.as_deref().map(str::trim)
    }

    /// What it says in the log, without who.
    fn text(&self, lasts: Option<Duration>) -> String {
        let mut text = self.action.as_str().to_owned();
        if let (Some(option), Some(value)) = (self.option(), self.value()) {
            text = format!("{text} {option}={value}");
        }
        if let Some(lasts) = lasts {
            text = format!("{text} for {} s", lasts.as_secs_f64());
        }
        if self.all_members {
            text.push_str(", all members");
        }
        text
    }
}

/// A request that may give orders: it has the token, and comes from no other site. Without controls, this
/// path does not exist.
pub(crate) struct Authorized {
    by: Option<IpAddr>,
}

impl<S> FromRequestParts<S> for Authorized
where
    S: Send + Sync,
    Option<Arc<Access>>: FromRef<S>,
    Origins: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let by = address(&parts.extensions);
        let Some(access) = Option::<Arc<Access>>::from_ref(state) else {
            return Err(no_such_path().await);
        };
        check_deliberate(&parts.headers, &parts.uri, &Origins::from_ref(state))?;
        if access.check(&parts.headers, by)? {
            Ok(Self { by })
        } else {
            Err(Failure::wrong_token())
        }
    }
}

/// Executes an order. The body is read last, so only requests with the token have it read.
pub(crate) async fn control(
    State(watch): State<Arc<Watch>>,
    Authorized { by }: Authorized,
    order: Order,
) -> Result<Response, Failure> {
    let lasts = order.lasts()?;
    let circuit = registry().get(&order.name).ok_or_else(Failure::no_such_circuit)?;
    carry_out(&watch, &circuit, &order, lasts, by)?;
    let mut answer = one(&watch, &order.name, IsTrusted(true))?;
    if order.all_members {
        // This process gets it from the fleet, as the others do.
        *answer.status_mut() = StatusCode::ACCEPTED;
    }
    Ok(answer)
}

/// Says whether an order would be accepted, so that a page can report a wrong token at once.
pub(crate) async fn check(_: Authorized) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// A page of another site can make a browser send a request here, but not with a header of its choice.
/// Browsers also send the origin.
fn check_deliberate(headers: &HeaderMap, uri: &Uri, origins: &Origins) -> Result<(), Failure> {
    let forbidden = |reason| Err(Failure::new(StatusCode::FORBIDDEN, reason));
    if !headers.contains_key(DELIBERATE) {
        return forbidden("the header `X-Breaker-Control` is missing");
    }
    let site = once(headers, &SEC_FETCH_SITE)?.map(HeaderValue::as_bytes);
    let is_foreign = site.is_some_and(|site| site != b"same-origin" && site != b"none");
    let is_from_elsewhere = once(headers, &ORIGIN)?.is_some_and(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        // HTTP/2 has the host in the URI.
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or(uri.authority().map(Authority::as_str));
        let is_own = origin.split_once("://").is_some_and(|(_, from)| Some(from) == host);
        !is_own && !origins.allow(origin)
    });
    if is_foreign || is_from_elsewhere {
        return forbidden("the request comes from another site");
    }
    Ok(())
}

fn carry_out(
    watch: &Watch,
    circuit: &CircuitBreaker,
    order: &Order,
    lasts: Option<Duration>,
    by: Option<IpAddr>,
) -> Result<(), Failure> {
    match order.step()? {
        Step::Override(what) => {
            let who = by.map(|by| by.to_string()).unwrap_or_default();
            match lasts {
                Some(lasts) if order.all_members => {
                    let fleet = registry().advisor().ok_or(NO_FLEET)?;
                    fleet.order(circuit.name(), what, lasts, &who)
                }
                _ => circuit.override_for(what, lasts, &who),
            }
            .map_err(|errors| Failure::unfit(&errors))?;
        }
        Step::Reset => circuit.reset(),
        Step::Trip => circuit.trip(),
        Step::EndOverrides => circuit.end_overrides(),
    }
    let name = circuit.name();
    let text = order.text(lasts);
    tracing::warn!(
        target: "breaker",
        { breaker.name = name, breaker.reason = %text, by = by.map(tracing::field::display) },
        "circuit was switched"
    );
    let (name, action) = (name.to_owned(), order.action.as_str());
    let (option, value) = (order.option().map(str::to_owned), order.value().map(str::to_owned));
    let (lasts, all_members) = (lasts.map(|lasts| lasts.as_secs_f64()), order.all_members);
    watch.note(Control {
        name,
        circuits: None,
        names: Arc::default(),
        action,
        option,
        value,
        lasts,
        all_members,
        reason: None,
        by,
        shown_by: None,
        text,
    });
    Ok(())
}
