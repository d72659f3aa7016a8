//! Handlers that read: circuits as JSON, metrics, health.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use breaker_runtime::{Config, MetricNames, PrometheusText, RegistrySnapshot, Snapshot, registry};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::{IsTrusted, shown_to};
use crate::answer::{Failure, json_of, write_list};
use crate::watch::{
    Entry, Header, History, LATEST, Lines, MOST_AT_ONCE, Mark, Minute, Place, Seen, Sort, Stepped,
    Strip, Watch, placed, sentence, would_open,
};

/// Query parameters of a list of circuits.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    name: Option<String>,
    contains: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
    sort: Option<String>,
}

/// Which circuits a list has, in which order.
pub(super) struct Listed<'a> {
    pub(super) contains: Option<&'a str>,
    pub(super) after: Option<&'a str>,
    pub(super) sort: Option<&'a str>,
}

/// The number of circuits that match, and those of them that are still to be listed.
pub(super) fn of_listed(
    mut circuits: Vec<Snapshot>,
    seen: &Seen,
    listed: &Listed<'_>,
) -> Result<(usize, Vec<(Place, Snapshot)>), Failure> {
    let bad = |reason| Failure::new(StatusCode::BAD_REQUEST, reason);
    let sort = match listed.sort {
        None | Some("worst") => Sort::Worst,
        Some("name") => Sort::Name,
        Some(_) => return Err(bad("`sort` must be `worst` or `name`")),
    };
    let after = listed
        .after
        .map(|after| Place::parse(after).ok_or(bad("`after` must be the `next` of an answer")))
        .transpose()?;
    if let Some(part) = listed.contains {
        let part = part.to_lowercase();
        circuits.retain(|circuit| circuit.name.to_lowercase().contains(&part));
    }
    let matching = circuits.len();
    let mut circuits = placed(circuits, &seen.histories, sort);
    circuits.retain(|(place, _)| after.as_ref().is_none_or(|after| place > after));
    Ok((matching, circuits))
}

/// A circuit, with what the dashboard knows about it.
#[derive(Serialize)]
struct Watched<'a> {
    #[serde(flatten)]
    circuit: &'a Snapshot,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentence: Option<String>,
    history: Lines,
    per_second: f64,
    would_open: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minute: Option<Minute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    durations: Option<Strip>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histories: Option<BTreeMap<u64, Stepped>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marks: Option<Vec<Mark>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Vec<Entry>>,
}

impl<'a> Watched<'a> {
    fn brief(circuit: &'a Snapshot, seen: &Seen) -> Self {
        let history = seen.histories.of(&circuit.name);
        Self {
            circuit,
            sentence: sentence(circuit),
            history: history.map(History::lines).unwrap_or_default(),
            per_second: history.map(History::rates).unwrap_or_default().all,
            would_open: would_open(circuit),
            minute: history.and_then(History::durations_of_minute),
            durations: None,
            histories: None,
            marks: None,
            log: None,
        }
    }

    fn whole(circuit: &'a Snapshot, seen: &Seen, trust: IsTrusted) -> Self {
        let log = told_to(trust, seen.log.of(&circuit.name));
        let slow_call = circuit.config.settings().slow_call;
        let history = seen.histories.of(&circuit.name);
        let durations = history.and_then(|history| history.strip(slow_call));
        let histories = Some(history.map(History::shapes).unwrap_or_default());
        let marks = Some(history.map(History::marks).unwrap_or_default());
        Self { log: Some(log), durations, histories, marks, ..Self::brief(circuit, seen) }
    }
}

fn told_to(IsTrusted(is_trusted): IsTrusted, entries: Vec<Entry>) -> Vec<Entry> {
    if is_trusted { entries.into_iter().map(Entry::named).collect() } else { entries }
}

#[derive(Serialize)]
struct Rest<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    total: usize,
    matching: usize,
    next: Option<String>,
    log_from: u64,
    log: Vec<Entry>,
}

pub(crate) async fn circuits(
    State(watch): State<Arc<Watch>>,
    trust: IsTrusted,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(wanted) = wanted.map_err(|_| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "`limit` must be a whole number, and no parameter must be given twice",
        )
    })?;
    let (total, circuits) = if let Some(name) = &wanted.name {
        (registry().names().len(), registry().snapshot_of(name).into_iter().collect())
    } else {
        let RegistrySnapshot { circuits, .. } = registry().snapshot();
        (circuits.len(), circuits)
    };
    let circuits = circuits.into_iter().map(|circuit| shown_to(trust, circuit)).collect();
    let listed = Listed {
        contains: wanted.contains.as_deref(),
        after: wanted.after.as_deref(),
        sort: wanted.sort.as_deref(),
    };
    let seen = watch.seen();
    let (matching, circuits) = of_listed(circuits, &seen, &listed)?;
    let show = |circuit| match wanted.name {
        Some(_) => Watched::whole(circuit, &seen, trust),
        None => Watched::brief(circuit, &seen),
    };
    let wanted_at_most = wanted.limit.unwrap_or(usize::MAX);
    let rows = circuits.iter().take(wanted_at_most).map(|(_, circuit)| show(circuit));
    let log = seen.log.last(LATEST);
    let written = write_list("circuits", rows, |shown| Rest {
        header: watch.header(&seen, trust),
        total,
        matching,
        next: circuits[..shown]
            .last()
            .filter(|_| shown < circuits.len())
            .map(|(last, _)| last.to_string()),
        log_from: seen.log.first_of(&log),
        log: told_to(trust, log),
    });
    Ok(json_of(written))
}

/// Query parameters of the log.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    from: Option<u64>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct RestOfLog<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    log_from: u64,
    next: Option<u64>,
}

/// The log from a number on, oldest first.
pub(crate) async fn log(
    State(watch): State<Arc<Watch>>,
    trust: IsTrusted,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(part) = part.map_err(|_| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "`from` and `limit` must be whole numbers, and not be given twice",
        )
    })?;
    let from = part.from.unwrap_or(1);
    let most = part.limit.unwrap_or(MOST_AT_ONCE).min(MOST_AT_ONCE);
    let seen = watch.seen();
    let entries = told_to(trust, seen.log.since(from).take(most).cloned().collect());
    Ok(json_of(write_list("log", entries.iter(), |shown| RestOfLog {
        header: watch.header(&seen, trust),
        log_from: from,
        next: seen.log.since(from).nth(shown).map(Entry::id),
    })))
}

pub(crate) async fn circuit(
    State(watch): State<Arc<Watch>>,
    trust: IsTrusted,
    parameters: Result<Path<Vec<(String, String)>>, PathRejection>,
) -> Result<Response, Failure> {
    let Path(parameters) = parameters.map_err(|_| {
        Failure::new(StatusCode::BAD_REQUEST, "the path must be UTF-8 where it is decoded")
    })?;
    // Parameters of the paths that the dashboard is nested in come first.
    let (_, name) = parameters.last().ok_or_else(Failure::no_such_circuit)?;
    one(&watch, name, trust)
}

/// The circuit with exactly that name.
fn one(watch: &Watch, name: &str, trust: IsTrusted) -> Result<Response, Failure> {
    let circuit = registry().snapshot_of(name).ok_or_else(Failure::no_such_circuit)?;
    let circuit = shown_to(trust, circuit);
    Ok(Json(Watched::whole(&circuit, &watch.seen(), trust)).into_response())
}

/// The same after an order, with the token to take it back.
pub(super) fn answer_to_order(
    watch: &Watch,
    name: &str,
    undo: Option<String>,
) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Switched<'a> {
        #[serde(flatten)]
        circuit: Watched<'a>,
        undo: Option<String>,
    }
    let circuit = registry().snapshot_of(name).ok_or_else(Failure::no_such_circuit)?;
    let circuit = Watched::whole(&circuit, &watch.seen(), IsTrusted(true));
    Ok(Json(Switched { circuit, undo }).into_response())
}

/// The table of options. The page formats values by it.
pub(crate) async fn options() -> impl IntoResponse {
    Json(json!({ "options": Config::table().collect::<Vec<_>>() }))
}

pub(crate) async fn metrics(State(names): State<MetricNames>) -> impl IntoResponse {
    let written = registry().snapshot().prometheus(names).to_string();
    ([(CONTENT_TYPE, PrometheusText::CONTENT_TYPE)], written)
}

/// Query parameters of [`healthz`].
#[derive(Debug, Deserialize)]
pub(crate) struct Strictness {
    strict: Option<String>,
}

pub(crate) async fn healthz(
    strictness: Result<Query<Strictness>, QueryRejection>,
) -> Result<impl IntoResponse, Failure> {
    use breaker_runtime::{Mode, State};

    let Query(Strictness { strict }) = strictness
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "`strict` must not be given twice"))?;
    let RegistrySnapshot { circuits, .. } = registry().snapshot();
    // An observed circuit refuses nothing, whatever its state.
    let (observed, judged): (Vec<_>, Vec<_>) =
        circuits.iter().partition(|circuit| circuit.mode == Mode::Observe);
    let count = |state| judged.iter().filter(|circuit| circuit.state == state).count();
    let (open, forced_open) = (count(State::Open), count(State::ForcedOpen));
    let is_strict = strict.is_some_and(|strict| strict != "false" && strict != "0");
    let is_unwell = is_strict && open + forced_open > 0;
    let status = if is_unwell { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let counts = json!({
        "status": if is_unwell { "open" } else { "ok" },
        "total": circuits.len(),
        "open": open,
        "half_open": count(State::HalfOpen),
        "recovering": count(State::Recovering),
        "forced_open": forced_open,
        "disabled": count(State::Disabled),
        "observed": observed.len(),
    });
    Ok((status, Json(counts)))
}
