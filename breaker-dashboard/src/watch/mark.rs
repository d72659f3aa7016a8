//! Marks on charts: when settings changed, and when somebody decided how the circuit is run.

use std::time::Duration;

use breaker_runtime::{Cause, Event, EventKind, Layer, Source};
use serde::Serialize;

use super::header::cut;

/// The maximum length of a text in characters.
const LONGEST: usize = 120;

/// A moment of a circuit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Mark {
    /// Since the dashboard was made, in seconds.
    at: f64,
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Config,
    Override,
}

impl Mark {
    /// The mark of an event, if it has one. It does not say who gave an order.
    pub(crate) fn of(at: Duration, event: &Event) -> Option<Self> {
        let kind = match &event.kind {
            EventKind::Reconfigured(changes) => {
                let is_override =
                    |source: &Source| matches!(source, Source::Stated(Layer::Override, _));
                let is_ordered = changes.iter().any(|change| {
                    is_override(&change.old_source) || is_override(&change.new_source)
                });
                if is_ordered { Kind::Override } else { Kind::Config }
            }
            EventKind::Transition(transition) => match transition.cause {
                Cause::ForcedOpen | Cause::Disabled | Cause::OverrideEnded => Kind::Override,
                Cause::Configured => Kind::Config,
                _ => return None,
            },
            _ => return None,
        };
        let mut event = event.clone();
        event.withhold_names();
        if let EventKind::Reconfigured(changes) = &event.kind {
            // Defaults that follow from other options are left out.
            let is_stated = |source: &Source| *source != Source::BuiltIn;
            let stated = changes
                .iter()
                .filter(|change| is_stated(&change.old_source) || is_stated(&change.new_source));
            let texts: Vec<_> = stated.map(ToString::to_string).collect();
            return Some(Self::new(at, kind, texts.join(", ")));
        }
        Some(Self::new(at, kind, event.kind.to_string()))
    }

    /// The mark of an order that changes no state.
    pub(crate) fn of_order(at: Duration, text: &str) -> Self {
        Self::new(at, Kind::Override, text.to_owned())
    }

    fn new(at: Duration, kind: Kind, mut text: String) -> Self {
        cut(&mut text, LONGEST);
        Self { at: at.as_secs_f64(), kind, text }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use breaker_runtime::{Config, Override, Registry, Statement};

    use super::*;

    #[test]
    fn changes_of_settings_and_overrides_leave_marks_without_names() {
        let own = Registry::new();
        let circuit = own.circuit("queue", Config::new()).unwrap();
        let (told, heard) = mpsc::channel();
        let _listening = own.subscribe_to_changes(move |event| {
            let _ = told.send(Mark::of(Duration::from_secs(7), event));
        });
        let next = || {
            let mark: Option<Mark> = heard.recv().unwrap();
            mark.map(|mark| (mark.kind, mark.text))
        };
        let stated = Statement::new("queue", "cooldown", "5s", "breaker.toml:12");
        own.apply(Layer::File, vec![stated]).unwrap();
        let text = "cooldown=5s (was 1m, built-in; from breaker.toml:12)";
        assert_eq!(next(), Some((Kind::Config, text.to_owned())));
        circuit.override_for(Override::Option("cooldown", "7s"), None, "10.0.0.7").unwrap();
        let text = "cooldown=7s (was 5s, breaker.toml:12; from override)";
        assert_eq!(next(), Some((Kind::Override, text.to_owned())));
        circuit.trip();
        assert_eq!(next(), None, "that is in the band of states");
        circuit.force_open();
        assert_eq!(next().unwrap().0, Kind::Override);
    }
}
