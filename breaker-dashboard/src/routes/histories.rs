//! The histories of all circuits, for charts of longer times.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_ENCODING, HeaderValue, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::api::{Listed, of_listed};
use crate::access::{IsTrusted, public_circuits};
use crate::answer::{Failure, LONGEST_LIST, LONGEST_PACKED, join_object, json_of};
use crate::gzip::{Gzip, packed};
use crate::watch::{Header, Place, Shape, Span, Watch};

/// Query parameters of the histories.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    minutes: u64,
    contains: Option<String>,
    after: Option<String>,
    sort: Option<String>,
}

#[derive(Serialize)]
struct Rest<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    step: u64,
    total: usize,
    matching: usize,
    next: Option<String>,
}

pub(crate) async fn histories(
    State(watch): State<Arc<Watch>>,
    trust: IsTrusted,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Failure> {
    const UNFIT: Failure = Failure::new(
        StatusCode::BAD_REQUEST,
        "`minutes` must be 1, 15 or 60, and no parameter must be given twice",
    );
    let Query(wanted) = wanted.map_err(|_| UNFIT)?;
    let span = Span::of_minutes(wanted.minutes).ok_or(UNFIT)?;
    let listed = Listed {
        contains: wanted.contains.as_deref(),
        after: wanted.after.as_deref(),
        sort: wanted.sort.as_deref(),
    };
    let circuits = public_circuits();
    let total = circuits.len();
    let is_packed = Gzip::is_accepted(&headers);
    let most = if is_packed { LONGEST_PACKED } else { LONGEST_LIST };
    let seen = watch.seen();
    let (matching, circuits) = of_listed(circuits, &seen, &listed)?;
    let field = |place: &Place| {
        let shape = seen.histories.of(place.name()).map(|history| history.shape(span));
        written(place.name(), &shape.unwrap_or_default())
    };
    let fields = circuits.iter().map(|(place, _)| field(place));
    let written = join_object("circuits", most, fields, |shown| Rest {
        header: watch.header(&seen, trust),
        step: span.step(),
        total,
        matching,
        next: circuits[..shown]
            .last()
            .filter(|_| shown < circuits.len())
            .map(|(last, _)| last.to_string()),
    });
    drop(seen);
    let mut response = json_of(if is_packed { packed(&written) } else { written.into() });
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if is_packed {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// A field of the object: a name and its history.
fn written(name: &str, shape: &Shape) -> Vec<u8> {
    // A vector takes everything that is written to it.
    let mut written = serde_json::to_vec(name).unwrap_or_default();
    written.push(b':');
    written.extend(serde_json::to_vec(shape).unwrap_or_default());
    written
}
