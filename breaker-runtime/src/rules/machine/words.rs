//! The words of failures: of the last one, and of the one that opened the circuit.

use std::sync::Arc;

use super::Machine;
use crate::rules::{State, Transition};

/// What failures said about themselves.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) last: Arc<str>,
    /// Those of the failure that opened the circuit, until it opens for another reason or closes.
    pub(super) of_trip: Option<Arc<str>>,
}

impl Machine {
    pub(super) fn words(&self) -> Option<&Words> {
        self.history.as_ref()?.words.as_deref()
    }

    /// Keeps the words of the failure that was recorded last.
    pub(crate) fn note(&mut self, words: Arc<str>) {
        let history = self.history();
        let has_opened = history.news.last().is_some_and(|last| last.to == State::Open);
        let of_trip = if has_opened {
            Some(Arc::clone(&words))
        } else {
            history.words.take().and_then(|known| known.of_trip)
        };
        history.words = Some(Words { last: words, of_trip }.into());
    }

    /// The words of the failure that led to that transition, which is the last one.
    pub(crate) fn words_of(&self, change: &Transition) -> Option<Arc<str>> {
        let is_opening = change.to == State::Open;
        self.words().filter(|_| is_opening).and_then(|words| words.of_trip.clone())
    }
}
