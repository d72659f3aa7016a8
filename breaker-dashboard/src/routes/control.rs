//! Switches circuits, for clients with the token.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::header::{HOST, HeaderName, HeaderValue, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use breaker_runtime::{CircuitBreaker, registry};
use serde::Serialize;

use super::api::answer_to_order;
use super::order::{Order, Step, Target};
use super::undo::{Back, Undone, Undos};
use crate::access::{Access, Origins, address, once};
use crate::answer::{Failure, no_such_path};
use crate::watch::{Control, MANY, Watch};

/// A header that no form and no simple request of a foreign page can have.
const DELIBERATE: &str = "x-breaker-control";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const NO_FLEET: Failure =
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "this process is in no fleet");
const NOTHING_TO_UNDO: Failure = Failure::new(
    StatusCode::GONE,
    "there is nothing to undo: ten seconds are over, or it was undone",
);

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

/// What became of an order about many circuits.
#[derive(Serialize)]
struct Report {
    done: usize,
    failed: Vec<Failed>,
    undo: Option<String>,
}

#[derive(Serialize)]
struct Failed {
    name: String,
    error: String,
}

/// Executes an order. The body is read last, so only requests with the token have it read.
pub(crate) async fn control(
    State(watch): State<Arc<Watch>>,
    State(undos): State<Undos>,
    Authorized { by }: Authorized,
    order: Order,
) -> Result<Response, Failure> {
    let command = Command {
        lasts: order.lasts()?,
        reason: order.reason()?,
        order: &order,
        watch: &watch,
        undos: &undos,
        by,
    };
    match order.target()? {
        Target::One(name) => command.switch(name),
        Target::Many(names) => command.switch_many(&names),
        Target::Undo(token) => command.undo(token),
    }
}

/// An order that is well-formed, and everything that it needs.
struct Command<'a> {
    order: &'a Order,
    lasts: Option<Duration>,
    reason: Option<&'a str>,
    by: Option<IpAddr>,
    watch: &'a Watch,
    undos: &'a Undos,
}

impl Command<'_> {
    fn switch(&self, name: &str) -> Result<Response, Failure> {
        let text = self.order.text(self.lasts);
        let back = self.carry_out(name, &text)?;
        let id = self.note(name, None, text.clone());
        let backs = back.into_iter().map(|back| (name.to_owned(), back)).collect();
        let undo = self.undos.keep(id, text, backs);
        let mut answer = answer_to_order(self.watch, name, undo)?;
        *answer.status_mut() = self.status();
        Ok(answer)
    }

    fn switch_many(&self, names: &[&str]) -> Result<Response, Failure> {
        // What is wrong with the order is wrong for all.
        self.order.step()?;
        let text = self.order.text(self.lasts);
        let (mut done, mut failed, mut backs) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let name = (*name).to_owned();
            match self.carry_out(&name, &text) {
                Ok(back) => {
                    backs.extend(back.map(|back| (name.clone(), back)));
                    done.push(name);
                }
                Err(failure) => failed.push(Failed { name, error: failure.sentence() }),
            }
        }
        let count = done.len();
        let undo = (count > 0).then(|| {
            let id = self.note(MANY, Some(done), text.clone());
            self.undos.keep(id, text, backs)
        });
        let report = Report { done: count, failed, undo: undo.flatten() };
        Ok((self.status(), Json(report)).into_response())
    }

    fn undo(&self, token: &str) -> Result<Response, Failure> {
        let Undone { id, text, age, backs } = self.undos.take(token).ok_or(NOTHING_TO_UNDO)?;
        let text = format!("undo {text}");
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for (name, back) in backs {
            let is_last = self.watch.seen().log.last_order_of(&name) == Some(id);
            let undone = match registry().get(&name) {
                None => Err(Failure::no_such_circuit().sentence()),
                Some(_) if !is_last => Err(Back::LATER.to_owned()),
                Some(circuit) => back.take(&circuit, age).map_err(str::to_owned),
            };
            match undone {
                Ok(()) => {
                    self.log(&name, &text);
                    done.push(name);
                }
                Err(error) => failed.push(Failed { name, error }),
            }
        }
        let count = done.len();
        if let [name] = done.as_slice() {
            self.note(name, None, text);
        } else if count > 0 {
            self.note(MANY, Some(done), text);
        }
        Ok(Json(Report { done: count, failed, undo: None }).into_response())
    }

    /// This process gets an order to all members from the fleet, as the others do.
    fn status(&self) -> StatusCode {
        if self.order.all_members { StatusCode::ACCEPTED } else { StatusCode::OK }
    }

    /// Returns how to take it back, if that is possible.
    fn carry_out(&self, name: &str, text: &str) -> Result<Option<Back>, Failure> {
        let circuit = registry().get(name).ok_or_else(Failure::no_such_circuit)?;
        let before = circuit.snapshot();
        self.execute(&circuit)?;
        self.log(name, text);
        if self.order.all_members {
            return Ok(None);
        }
        Ok(Back::new(&self.order.step()?, &before, &circuit.snapshot()))
    }

    fn execute(&self, circuit: &CircuitBreaker) -> Result<(), Failure> {
        match self.order.step()? {
            Step::Override(what) => {
                let who = self.by.map(|by| by.to_string()).unwrap_or_default();
                match self.lasts {
                    Some(lasts) if self.order.all_members => {
                        let fleet = registry().advisor().ok_or(NO_FLEET)?;
                        fleet.order(circuit.name(), what, lasts, &who)
                    }
                    lasts => circuit.override_for(what, lasts, &who),
                }
                .map_err(|errors| Failure::unfit(&errors))?;
            }
            Step::Reset => circuit.reset(),
            Step::Trip => circuit.trip(),
            Step::EndOverrides => circuit.end_overrides(),
        }
        Ok(())
    }

    /// Logs each circuit, so that its name can be searched for.
    fn log(&self, name: &str, text: &str) {
        tracing::warn!(
            target: "breaker",
            {
                breaker.name = name,
                breaker.reason = %text,
                by = self.by.map(tracing::field::display),
                // As Rust writes a string, because a client chose it.
                because = self.reason.map(tracing::field::debug),
            },
            "circuit was switched"
        );
    }

    /// Notes the order for pages. Returns its number in the log.
    fn note(&self, name: &str, names: Option<Vec<String>>, text: String) -> u64 {
        let own = |text: &str| text.to_owned();
        self.watch.note(Control {
            name: name.to_owned(),
            circuits: names.as_ref().map(Vec::len),
            names: names.unwrap_or_default().into(),
            action: self.order.action.as_str(),
            option: self.order.option().map(own),
            value: self.order.value().map(own),
            lasts: self.lasts.map(|lasts| lasts.as_secs_f64()),
            all_members: self.order.all_members,
            reason: self.reason.map(own),
            by: self.by,
            shown_by: None,
            text,
        })
    }
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
