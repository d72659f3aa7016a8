//! The log: changes of state, conflicts, and orders that people gave.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use breaker_runtime::{Event, EventKind};
use serde::{Serialize, Serializer};

use super::shortened;

/// The maximum number of entries in one answer.
pub(crate) const MOST_AT_ONCE: usize = 500;
/// The number of entries that are kept, in all and of one circuit.
const MOST: usize = 2_000;
const MOST_OF_ONE: usize = 50;
/// The maximum number of refused settings in one entry, and the maximum length of each in characters. An entry
/// has each of them twice, and every answer has [`LATEST`](super::LATEST) entries beside its list.
const MOST_MISTAKES: usize = 3;
const LONGEST_MISTAKE: usize = 160;

/// An entry, with its time since the dashboard was made.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    id: u64,
    #[serde(serialize_with = "seconds")]
    at: Duration,
    #[serde(flatten)]
    what: What,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum What {
    /// Written without who overrode options, which is not for everybody.
    Event(#[serde(serialize_with = "without_names")] Event),
    /// The same, in an entry that is [`named`](Entry::named).
    NamedEvent(Event),
    Control(Control),
}

/// Somebody switched a circuit.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename = "control")]
pub(crate) struct Control {
    pub(crate) name: String,
    pub(crate) action: &'static str,
    /// The option that was overridden, and its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) option: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    #[serde(rename = "for")]
    pub(crate) lasts: Option<f64>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) all_members: bool,
    /// Who gave the order. `None` if the server does not know, or the reader may not see it.
    #[serde(skip)]
    pub(crate) by: Option<IpAddr>,
    /// The same, in an entry that is [`named`](Entry::named).
    #[serde(rename = "by")]
    pub(crate) shown_by: Option<IpAddr>,
    pub(crate) text: String,
}

impl Entry {
    /// The entry for readers who may see who switched.
    pub(crate) fn named(self) -> Self {
        let what = match self.what {
            What::Event(event) | What::NamedEvent(event) => What::NamedEvent(event),
            What::Control(control) => What::Control(Control { shown_by: control.by, ..control }),
        };
        Self { what, ..self }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

impl From<Event> for What {
    fn from(mut event: Event) -> Self {
        if let EventKind::SettingsRefused { mistakes, .. } = &mut event.kind {
            let all = std::mem::take(mistakes).into_vec();
            *mistakes = shortened(all, MOST_MISTAKES, LONGEST_MISTAKE).into();
        }
        Self::Event(event)
    }
}

impl What {
    fn name(&self) -> &str {
        match self {
            Self::Event(event) | Self::NamedEvent(event) => &event.name,
            Self::Control(control) => &control.name,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    last: u64,
}

impl Log {
    pub(crate) fn add(&mut self, at: Duration, what: What) {
        let of_that = self.entries.iter().filter(|entry| entry.what.name() == what.name());
        let (count, oldest) = of_that
            .fold((0, None), |(count, oldest), entry| (count + 1, oldest.or(Some(entry.id))));
        if count >= MOST_OF_ONE
            && let Some(at) = self.entries.iter().position(|entry| Some(entry.id) == oldest)
        {
            self.entries.remove(at);
        }
        if self.entries.len() == MOST {
            self.entries.pop_front();
        }
        self.last = self.last.saturating_add(1);
        self.entries.push_back(Entry { id: self.last, at, what });
    }

    /// Skips numbers, for events that could not be kept.
    pub(crate) fn skip(&mut self, missed: u64) {
        self.last = self.last.saturating_add(missed);
    }

    /// The number from which on `last` is complete.
    pub(crate) fn first_of(&self, last: &[Entry]) -> u64 {
        last.first().map_or(self.last.saturating_add(1), Entry::id)
    }

    /// The entries from this number on, oldest first.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = &Entry> {
        self.entries.range(self.entries.partition_point(|entry| entry.id < number)..)
    }

    /// The last N entries, oldest first.
    pub(crate) fn last(&self, count: usize) -> Vec<Entry> {
        let from = self.entries.len().saturating_sub(count);
        self.entries.range(from..).cloned().collect()
    }

    /// The known entries of one circuit, oldest first.
    pub(crate) fn of(&self, name: &str) -> Vec<Entry> {
        self.entries.iter().filter(|entry| entry.what.name() == name).cloned().collect()
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn without_names<S: Serializer>(event: &Event, serializer: S) -> Result<S::Ok, S::Error> {
    let mut event = event.clone();
    event.withhold_names();
    event.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn control(name: &str) -> What {
        let (name, text) = (name.to_owned(), String::new());
        let by = Some(IpAddr::from([192, 0, 2, 7]));
        What::Control(Control {
            name,
            action: "reset",
            option: None,
            value: None,
            lasts: None,
            all_members: false,
            by,
            shown_by: None,
            text,
        })
    }

    fn ids(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.id).collect()
    }

    #[test]
    fn a_circuit_that_flaps_leaves_the_others_their_past() {
        let mut log = Log::default();
        log.add(Duration::ZERO, control("quiet"));
        for _ in 0..MOST * 3 {
            log.add(Duration::ZERO, control("flapping"));
        }
        assert_eq!(ids(&log.of("quiet")), [1]);
        assert_eq!(log.of("flapping").len(), MOST_OF_ONE);
        assert_eq!(ids(&log.last(2)), [MOST as u64 * 3, MOST as u64 * 3 + 1]);
    }

    #[test]
    fn the_memory_is_bounded_for_any_number_of_circuits() {
        let mut log = Log::default();
        for number in 0..=MOST {
            log.add(Duration::ZERO, control(&number.to_string()));
        }
        assert_eq!((log.entries.len(), log.of("0").len(), log.of("1").len()), (MOST, 0, 1));
    }

    #[test]
    fn an_entry_is_flat() {
        let mut log = Log::default();
        log.add(Duration::from_millis(1500), control("a"));
        let expected = json!([{
            "id": 1, "at": 1.5, "kind": "control", "name": "a", "action": "reset", "for": null, "by": null, "text": "",
        }]);
        assert_eq!(serde_json::to_value(log.of("a")).unwrap(), expected);
        let named = log.of("a").into_iter().map(Entry::named).next();
        assert_eq!(serde_json::to_value(named).unwrap()["by"], "192.0.2.7");
    }
}
