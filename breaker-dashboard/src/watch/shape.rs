//! Histories as JSON.

use breaker_runtime::State;
use serde::Serialize;

use super::bucket::{Bucket, Buckets};

/// A history as lists, which are shorter than a list of objects. Oldest first.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Shape {
    ok: Vec<u32>,
    failed: Vec<u32>,
    rejected: Vec<u32>,
    state: Vec<Option<char>>,
}

/// The same, with the seconds of one bucket.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stepped {
    pub(super) step: u64,
    #[serde(flatten)]
    pub(super) shape: Shape,
}

impl From<&Buckets> for Shape {
    fn from(buckets: &Buckets) -> Self {
        let line = |of: fn(&Bucket) -> u32| buckets.iter().map(of).collect();
        Self {
            ok: line(|it| it.ok),
            failed: line(|it| it.failed),
            rejected: line(|it| it.rejected),
            state: buckets.iter().map(|it| it.state.map(letter)).collect(),
        }
    }
}

fn letter(state: State) -> char {
    match state {
        State::Closed => 'c',
        State::Open => 'o',
        State::HalfOpen => 'h',
        State::Recovering => 'r',
        State::Disabled => 'd',
        // Forced open, and any state that is newer than this file.
        _ => 'f',
    }
}
