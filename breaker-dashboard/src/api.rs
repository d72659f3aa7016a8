//! What can be read: circuits as JSON, metrics, health.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use breaker_runtime::{MetricNames, PrometheusText, RegistrySnapshot, Snapshot, registry};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use crate::body::{Failure, json_of, write_list};
use crate::history::{History, Lines};
use crate::log::{Entry, MOST_AT_ONCE};
use crate::overrides::Shown;
use crate::rank::{self, Place};
use crate::watch::{Header, LATEST, Seen, Watch};

/// What somebody wants to see of all circuits.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    name: Option<String>,
    contains: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// A circuit, with what the dashboard knows of it.
#[derive(Serialize)]
struct Watched<'a> {
    #[serde(flatten)]
    circuit: &'a Snapshot,
    history: Lines,
    per_second: f64,
    r#override: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Vec<Entry>>,
}

impl<'a> Watched<'a> {
    fn brief(circuit: &'a Snapshot, seen: &Seen) -> Self {
        let history = seen.histories.of(&circuit.name);
        Self {
            circuit,
            history: history.map(History::lines).unwrap_or_default(),
            per_second: history.map_or(0.0, History::per_second),
            r#override: seen.overrides.shown(&circuit.name, circuit.epoch, Instant::now()),
            log: None,
        }
    }

    fn whole(circuit: &'a Snapshot, seen: &Seen) -> Self {
        Self { log: Some(seen.log.of(&circuit.name)), ..Self::brief(circuit, seen) }
    }
}

#[derive(Serialize)]
struct Rest {
    #[serde(flatten)]
    header: Header,
    total: usize,
    matching: usize,
    next: Option<String>,
    log_from: u64,
    log: Vec<Entry>,
}

pub(crate) async fn circuits(
    State(watch): State<Arc<Watch>>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let known = registry().circuits();
    let total = known.len();
    let mut circuits: Vec<_> = known
        .iter()
        .filter(|circuit| wanted.name.as_ref().is_none_or(|name| circuit.name() == name))
        .map(|circuit| circuit.snapshot())
        .collect();
    if let Some(part) = &wanted.contains {
        let part = part.to_lowercase();
        circuits.retain(|circuit| circuit.name.to_lowercase().contains(&part));
    }
    let matching = circuits.len();
    rank::sort(&mut circuits);
    if let Some(after) = &wanted.after {
        let after = Place::parse(after).ok_or(Failure::new(
            StatusCode::BAD_REQUEST,
            "`after` must be the `next` of an answer",
        ))?;
        circuits.retain(|circuit| Place::of(circuit) > after);
    }
    let seen = watch.seen();
    let show = if wanted.name.is_some() { Watched::whole } else { Watched::brief };
    let rows = circuits.iter().take(wanted.limit.unwrap_or(usize::MAX)).map(|it| show(it, &seen));
    let log = seen.log.last(LATEST);
    let written = write_list("circuits", rows, |shown| Rest {
        header: watch.header(&seen),
        total,
        matching,
        next: circuits[..shown]
            .last()
            .filter(|_| shown < circuits.len())
            .map(|last| Place::of(last).to_string()),
        log_from: seen.log.first_of(&log),
        log,
    });
    Ok(json_of(written))
}

/// Which part of the log somebody wants to see.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    from: Option<u64>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct RestOfLog {
    #[serde(flatten)]
    header: Header,
    log_from: u64,
    next: Option<u64>,
}

/// The log from a number on, oldest first.
pub(crate) async fn log(State(watch): State<Arc<Watch>>, Query(part): Query<Part>) -> Response {
    let from = part.from.unwrap_or(1);
    let most = part.limit.unwrap_or(MOST_AT_ONCE).min(MOST_AT_ONCE);
    let seen = watch.seen();
    let entries = seen.log.since(from);
    json_of(write_list("log", entries.take(most), |shown| RestOfLog {
        header: watch.header(&seen),
        log_from: from,
        next: seen.log.since(from).nth(shown).map(Entry::id),
    }))
}

pub(crate) async fn circuit(
    State(watch): State<Arc<Watch>>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    one(&watch, &name)
}

/// The circuit of exactly that name.
pub(crate) fn one(watch: &Watch, name: &str) -> Result<Response, Failure> {
    let circuit = registry().get(name).ok_or_else(Failure::no_such_circuit)?.snapshot();
    Ok(Json(Watched::whole(&circuit, &watch.seen())).into_response())
}

pub(crate) async fn metrics(State(names): State<MetricNames>) -> impl IntoResponse {
    let written = registry().snapshot().prometheus(names).to_string();
    ([(CONTENT_TYPE, PrometheusText::CONTENT_TYPE)], written)
}

/// How strict [`healthz`] is.
#[derive(Debug, Deserialize)]
pub(crate) struct Strictness {
    strict: Option<String>,
}

pub(crate) async fn healthz(Query(Strictness { strict }): Query<Strictness>) -> impl IntoResponse {
    use breaker_runtime::State;

    let RegistrySnapshot { circuits, .. } = registry().snapshot();
    let count = |state| circuits.iter().filter(|circuit| circuit.state == state).count();
    let (open, forced_open) = (count(State::Open), count(State::ForcedOpen));
    let is_strict = strict.is_some_and(|strict| strict != "false" && strict != "0");
    let is_unwell = is_strict && open + forced_open > 0;
    let status = if is_unwell { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let counts = json!({
        "status": if is_unwell { "open" } else { "ok" },
        "total": circuits.len(),
        "open": open,
        "half_open": count(State::HalfOpen),
        "forced_open": forced_open,
        "disabled": count(State::Disabled),
    });
    (status, Json(counts))
}
