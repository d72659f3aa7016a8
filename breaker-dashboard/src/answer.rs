//! Responses: JSON, and failures as sentences.

use std::borrow::Cow;

use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use breaker_runtime::ConfigErrors;
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

/// The maximum size of a list, in bytes.
pub(crate) const LONGEST_LIST: usize = 1 << 20;
/// The same of a list that is sent compressed. Ten thousand circuits fit.
pub(crate) const LONGEST_PACKED: usize = 16 << 20;
/// Room for the rest: a name, some log entries, and settings that were refused.
const OF_THE_REST: usize = 128 << 10;

/// Why a request failed. Contains nothing else about the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    status: StatusCode,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Sentence(Cow<'static, str>),
    /// Listed in the answer too.
    Mistakes(Vec<String>),
}

impl Failure {
    pub(crate) const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason: Reason::Sentence(Cow::Borrowed(reason)) }
    }

    /// A request that cannot be carried out as it is.
    pub(crate) fn misread(mistake: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, reason: Reason::Sentence(mistake.into()) }
    }

    /// A setting that cannot be taken, with every mistake.
    pub(crate) fn unfit(errors: &ConfigErrors) -> Self {
        let mistakes = errors.iter().map(str::to_owned).collect();
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, reason: Reason::Mistakes(mistakes) }
    }

    /// What went wrong.
    pub(crate) fn sentence(&self) -> String {
        match &self.reason {
            Reason::Sentence(sentence) => sentence.clone().into_owned(),
            Reason::Mistakes(mistakes) => mistakes.join("; "),
        }
    }

    pub(crate) const fn no_such_circuit() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no circuit of that name")
    }

    pub(crate) const fn wrong_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "the token is missing or wrong")
    }

    pub(crate) const fn too_many_tokens() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "there were too many wrong tokens from this address: wait a second",
        )
    }

    pub(crate) const fn no_random_numbers() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the system gives no random numbers")
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = match self.reason {
            Reason::Sentence(sentence) => json!({ "error": sentence }),
            Reason::Mistakes(mistakes) => {
                json!({ "error": mistakes.join("; "), "errors": mistakes })
            }
        };
        let mut response = (self.status, Json(body)).into_response();
        let besides = match self.status {
            StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, "5")),
            StatusCode::TOO_MANY_REQUESTS => Some((RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = besides {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

pub(crate) async fn no_such_path() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

pub(crate) async fn no_such_method() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "this path has no such method")
}

/// Serialized JSON.
pub(crate) fn json_of(written: impl Into<Bytes>) -> Response {
    ([(CONTENT_TYPE, "application/json")], Body::from(written.into())).into_response()
}

/// Writes an object whose first field is a list. The list has as many elements as fit in [`LONGEST_LIST`]
/// bytes. The fields of `rest` follow, and may depend on that number.
pub(crate) fn write_list<T: Serialize, R: Serialize>(
    field: &str,
    elements: impl IntoIterator<Item = T>,
    rest: impl FnOnce(usize) -> R,
) -> Vec<u8> {
    // An element that cannot be written ends the list, as one that does not fit.
    let written = elements.into_iter().map_while(|element| serde_json::to_vec(&element).ok());
    join_list(field, LONGEST_LIST, written, rest)
}

/// The same, of elements that are JSON already, in `most` bytes.
pub(crate) fn join_list<R: Serialize>(
    field: &str,
    most: usize,
    elements: impl IntoIterator<Item = impl AsRef<[u8]>>,
    rest: impl FnOnce(usize) -> R,
) -> Vec<u8> {
    join(field, *b"[]", most, elements, rest)
}

/// The same with an object, whose fields are written already: `"name":value`.
pub(crate) fn join_object<R: Serialize>(
    field: &str,
    most: usize,
    fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
    rest: impl FnOnce(usize) -> R,
) -> Vec<u8> {
    join(field, *b"{}", most, fields, rest)
}

fn join<R: Serialize>(
    field: &str,
    brackets: [u8; 2],
    most: usize,
    elements: impl IntoIterator<Item = impl AsRef<[u8]>>,
    rest: impl FnOnce(usize) -> R,
) -> Vec<u8> {
    let most = most.saturating_sub(OF_THE_REST);
    let mut written = format!("{{\"{field}\":").into_bytes();
    written.push(brackets[0]);
    let mut fitting = 0;
    for element in elements {
        let element = element.as_ref();
        if written.len() + element.len() >= most {
            break;
        }
        written.extend((fitting > 0).then_some(b','));
        written.extend(element);
        fitting += 1;
    }
    written.push(brackets[1]);
    // The rest is an object too. Its opening brace becomes the comma between the two.
    if let Ok(rest) = serde_json::to_vec(&rest(fitting)) {
        written.push(b',');
        written.extend(&rest[1..]);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h09_a_list_ends_where_it_would_be_too_long() {
        let long = "n".repeat(1000);
        let written = write_list(
            "all",
            std::iter::repeat_n(&long, 100_000),
            |fitting| json!({ "shown": fitting, "total": 100_000 }),
        );
        assert!(written.len() <= LONGEST_LIST);
        let read: serde_json::Value = serde_json::from_slice(&written).unwrap();
        let shown = read["all"].as_array().unwrap().len();
        assert!((900..1048).contains(&shown));
        assert_eq!((&read["shown"], &read["total"]), (&json!(shown), &json!(100_000)));
    }

    #[test]
    fn a_short_list_is_whole() {
        let written = write_list("all", ["a", "b"], |fitting| json!({ "shown": fitting }));
        assert_eq!(written, br#"{"all":["a","b"],"shown":2}"#);
        assert_eq!(
            write_list("all", [(); 0], |shown| json!({ "shown": shown })),
            br#"{"all":[],"shown":0}"#
        );
    }
}
