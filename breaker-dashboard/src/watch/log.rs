//! The log: changes of state, conflicts, and orders that people gave.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::{Event, EventKind, State};
use serde::{Serialize, Serializer};

use super::header::shortened;

/// The maximum number of entries in one answer.
pub(crate) const MOST_AT_ONCE: usize = 500;
/// The number of entries that are kept, in all and of one circuit.
const MOST: usize = 2_000;
const MOST_OF_ONE: usize = 50;
/// The name in an entry that is about many circuits.
pub(crate) const MANY: &str = "*";
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
    /// The number of entries of the same circuit that were folded into this one.
    #[serde(skip_serializing_if = "is_zero")]
    folded: u64,
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
    /// [`MANY`] if it is about many circuits.
    pub(crate) name: String,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) circuits: Option<usize>,
    /// Their names, sorted.
    #[serde(skip)]
    pub(crate) names: Arc<[String]>,
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
    /// Why, in the words of who gave the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
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

    fn is_about(&self, name: &str) -> bool {
        let is_one_of_many = || match self {
            Self::Control(control) => {
                control.names.binary_search_by(|it| it.as_str().cmp(name)).is_ok()
            }
            Self::Event(_) | Self::NamedEvent(_) => false,
        };
        self.name() == name || is_one_of_many()
    }

    /// How much it would be missed. An order is missed most. A circuit that stays down says the same again and again.
    fn weight(&self) -> u8 {
        match self {
            Self::Control(_) => 2,
            Self::Event(event) | Self::NamedEvent(event) => match &event.kind {
                EventKind::ProbeWanted => 0,
                EventKind::Transition(it) => match (it.from, it.to) {
                    (State::Open, State::HalfOpen) | (State::HalfOpen, State::Open) => 0,
                    _ => 1,
                },
                _ => 1,
            },
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    last: u64,
    dropped: u64,
}

impl Log {
    /// Adds an entry, into which `folded` older ones of its circuit went. Returns its number.
    pub(crate) fn add(&mut self, at: Duration, folded: u64, what: What) -> u64 {
        self.last = self.last.saturating_add(folded).saturating_add(1);
        self.entries.push_back(Entry { id: self.last, at, folded, what });
        let name = self.entries.back().map_or("", |entry| entry.what.name());
        let of_that = self.entries.iter().filter(|entry| entry.what.name() == name).count();
        if of_that > MOST_OF_ONE {
            let name = name.to_owned();
            self.fold(|what| what.name() == name);
        }
        if self.entries.len() > MOST {
            self.fold(|_| true);
        }
        self.last
    }

    /// Removes the oldest of the entries that are missed least. The next one of its circuit counts it,
    /// or else the one before.
    fn fold(&mut self, is_of_them: impl Fn(&What) -> bool) {
        // The newest stays, whatever it is.
        let older = self.entries.iter().take(self.entries.len().saturating_sub(1)).enumerate();
        let least = older
            .filter(|(_, entry)| is_of_them(&entry.what))
            .min_by_key(|(_, entry)| entry.what.weight());
        let Some(gone) =
            least.map(|(at, _)| at).and_then(|at| Some((at, self.entries.remove(at)?)))
        else {
            return;
        };
        let (at, gone) = gone;
        let count = gone.folded.saturating_add(1);
        let is_of_that = |entry: &usize| self.entries[*entry].what.name() == gone.what.name();
        let next = (at..self.entries.len()).find(is_of_that);
        let other = next.or_else(|| (0..at).rev().find(is_of_that));
        let counter = match other {
            Some(other) => &mut self.entries[other].folded,
            None => &mut self.dropped,
        };
        *counter = counter.saturating_add(count);
    }

    /// Counts events of which nothing is known.
    pub(crate) fn miss(&mut self, missed: u64) {
        self.last = self.last.saturating_add(missed);
        self.dropped = self.dropped.saturating_add(missed);
    }

    /// The number of entries that are neither kept nor folded into another.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The number of the last order about this circuit.
    pub(crate) fn last_order_of(&self, name: &str) -> Option<u64> {
        self.orders_of(name).map(|(id, _)| id).next()
    }

    /// Why the circuit is run as it is, if somebody said so.
    pub(crate) fn reason_of(&self, name: &str) -> Option<&str> {
        let is_of_mode =
            |order: &&Control| matches!(order.action, "force_open" | "disable" | "observe");
        let order = self.orders_of(name).map(|(_, order)| order).find(is_of_mode)?;
        order.reason.as_deref()
    }

    /// The orders about a circuit, the newest first.
    fn orders_of<'a>(&'a self, name: &str) -> impl Iterator<Item = (u64, &'a Control)> {
        self.entries.iter().rev().filter_map(move |entry| match &entry.what {
            What::Control(control) if entry.what.is_about(name) => Some((entry.id, control)),
            _ => None,
        })
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
        self.entries.iter().filter(|entry| entry.what.is_about(name)).cloned().collect()
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
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
            circuits: None,
            names: Arc::default(),
            action: "reset",
            option: None,
            value: None,
            lasts: None,
            all_members: false,
            reason: None,
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
        log.add(Duration::ZERO, 0, control("quiet"));
        for _ in 0..MOST * 3 {
            log.add(Duration::ZERO, 0, control("flapping"));
        }
        assert_eq!(ids(&log.of("quiet")), [1]);
        assert_eq!(log.of("flapping").len(), MOST_OF_ONE);
        assert_eq!(ids(&log.last(2)), [MOST as u64 * 3, MOST as u64 * 3 + 1]);
    }

    #[test]
    fn the_memory_is_bounded_for_any_number_of_circuits() {
        let mut log = Log::default();
        for number in 0..=MOST {
            log.add(Duration::ZERO, 0, control(&number.to_string()));
        }
        assert_eq!((log.entries.len(), log.of("0").len(), log.of("1").len()), (MOST, 0, 1));
    }

    fn transition(name: &str, from: State, to: State) -> What {
        let (own, told) = (breaker_runtime::Registry::new(), std::sync::mpsc::channel());
        let (telling, heard) = told;
        let _listening = own.subscribe_to_changes(move |event| {
            let _ = telling.send(event.clone());
        });
        own.circuit("any", breaker_runtime::Config::new()).unwrap().trip();
        let mut event: Event = heard.recv().unwrap();
        event.name = name.to_owned();
        if let EventKind::Transition(transition) = &mut event.kind {
            (transition.from, transition.to) = (from, to);
        }
        event.into()
    }

    #[test]
    fn orders_and_openings_stay_while_failed_probes_fold_and_all_are_counted() {
        let (mut log, now) = (Log::default(), Duration::ZERO);
        log.add(now, 0, control("sick"));
        log.add(now, 0, transition("sick", State::Closed, State::Open));
        for _ in 0..10_000 {
            log.add(now, 0, transition("sick", State::Open, State::HalfOpen));
            log.add(now, 3, transition("sick", State::HalfOpen, State::Open));
        }
        let kept = log.of("sick");
        assert_eq!((kept.len(), ids(&kept[..2])), (MOST_OF_ONE, vec![1, 2]));
        let counted: u64 = kept.iter().map(|entry| entry.folded + 1).sum();
        assert_eq!((counted, log.last, log.dropped()), (log.last, 2 + 50_000, 0));
        // So do those of a thousand circuits at once.
        for _ in 0..5 {
            for number in 0..1_000 {
                log.add(now, 0, transition(&number.to_string(), State::Open, State::HalfOpen));
            }
        }
        assert_eq!(ids(&log.of("sick")), [1, 2]);
        assert_eq!(log.entries.iter().map(|entry| entry.folded + 1).sum::<u64>(), log.last);
        assert_eq!(log.dropped(), 0);
    }

    #[test]
    fn entries_of_circuits_of_which_none_is_kept_are_counted_as_dropped() {
        let mut log = Log::default();
        for number in 0..MOST + 7 {
            log.add(Duration::ZERO, 2, control(&number.to_string()));
        }
        log.miss(5);
        assert_eq!(log.dropped(), 7 * 3 + 5);
        let kept: u64 = log.entries.iter().map(|entry| entry.folded + 1).sum();
        assert_eq!(kept + log.dropped(), log.last);
    }

    #[test]
    fn an_order_about_many_is_in_the_log_of_each() {
        let mut log = Log::default();
        let What::Control(one) = control(MANY) else { unreachable!() };
        let names = Arc::from(["a".to_owned(), "b".to_owned()]);
        let many = Control { circuits: Some(2), names, ..one };
        log.add(Duration::ZERO, 0, What::Control(many));
        assert_eq!([log.of("a").len(), log.of("b").len(), log.of("c").len()], [1, 1, 0]);
        assert_eq!((log.last_order_of("b"), log.last_order_of("c")), (Some(1), None));
        log.add(Duration::ZERO, 0, control("b"));
        assert_eq!((log.last_order_of("a"), log.last_order_of("b")), (Some(1), Some(2)));
        let entry = serde_json::to_value(&log.of("a")[0]).unwrap();
        assert_eq!((&entry["name"], &entry["circuits"]), (&json!("*"), &json!(2)));
    }

    #[test]
    fn an_entry_is_flat() {
        let mut log = Log::default();
        log.add(Duration::from_millis(1500), 0, control("a"));
        let expected = json!([{
            "id": 1, "at": 1.5, "kind": "control", "name": "a", "action": "reset", "for": null, "by": null, "text": "",
        }]);
        assert_eq!(serde_json::to_value(log.of("a")).unwrap(), expected);
        let named = log.of("a").into_iter().map(Entry::named).next();
        assert_eq!(serde_json::to_value(named).unwrap()["by"], "192.0.2.7");
    }
}
