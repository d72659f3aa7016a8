//! What the dashboard sends, as far as it is shown. `docs/json.md` has all of it.

use serde::Deserialize;
use serde_json::Error;

use crate::events::Event;

/// An event of the stream.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// All circuits, or the worst of them if there are too many.
    Snapshot(Frame),
    /// Those that changed.
    Changes(Frame),
    /// The program ends.
    Shutdown,
}

impl Message {
    /// `None` for an event that is not known here.
    pub(crate) fn read(event: &Event) -> Result<Option<Self>, Error> {
        Ok(Some(match event.name.as_str() {
            "snapshot" => Self::Snapshot(serde_json::from_slice(&event.data)?),
            "changes" => Self::Changes(serde_json::from_slice(&event.data)?),
            "shutdown" => Self::Shutdown,
            _ => return Ok(None),
        }))
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Frame {
    pub(crate) version: String,
    /// Another one for each start of the program.
    pub(crate) boot: String,
    /// The last whole second, which `point` is about.
    pub(crate) second: u64,
    pub(crate) service: Service,
    /// The calls of all circuits in the last minute.
    pub(crate) minute: Option<Calls>,
    pub(crate) refused: Vec<String>,
    pub(crate) fleet: Option<Fleet>,
    pub(crate) total: usize,
    pub(crate) circuits: Vec<Row>,
    /// The names of circuits that are gone.
    pub(crate) gone: Vec<String>,
}

/// Which process it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    pub(crate) title: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) pid: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fleet {
    pub(crate) connected: bool,
}

/// Calls that ended, failed, or were refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Calls {
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    pub(crate) rejected: u64,
}

impl Calls {
    pub(crate) fn not_served(self) -> u64 {
        self.failed.saturating_add(self.rejected)
    }

    pub(crate) fn all(self) -> u64 {
        self.ok.saturating_add(self.not_served())
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            ok: self.ok.saturating_add(other.ok),
            failed: self.failed.saturating_add(other.failed),
            rejected: self.rejected.saturating_add(other.rejected),
        }
    }
}

impl From<[u64; 3]> for Calls {
    fn from([ok, failed, rejected]: [u64; 3]) -> Self {
        Self { ok, failed, rejected }
    }
}

/// Since when a circuit is not closed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Outage {
    pub(crate) since: f64,
    pub(crate) first: String,
    pub(crate) reopenings: u32,
}

/// One circuit. Fields that an older dashboard does not send are empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) mode: String,
    pub(crate) since: f64,
    pub(crate) retry_after: Option<f64>,
    pub(crate) outage: Option<Outage>,
    pub(crate) explanation: String,
    /// The explanation without the mode and without names, if that is another one.
    pub(crate) sentence: Option<String>,
    pub(crate) failure_rate: Option<f64>,
    pub(crate) failure_limit: Option<f64>,
    pub(crate) slow_call_rate: Option<f64>,
    pub(crate) slow_call_limit: Option<f64>,
    pub(crate) consecutive_failures: u32,
    pub(crate) failure_threshold: Option<u32>,
    pub(crate) in_flight: u64,
    pub(crate) started: u64,
    pub(crate) failed: u64,
    pub(crate) rejected: u64,
    pub(crate) would_reject: u64,
    pub(crate) per_second: f64,
    pub(crate) refused_per_second: Option<f64>,
    pub(crate) failed_per_second: Option<f64>,
    pub(crate) minute_calls: Option<Calls>,
    pub(crate) point: [u64; 3],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, data: &str) -> Result<Option<Message>, Error> {
        Message::read(&Event { name: name.to_owned(), data: data.into() })
    }

    #[test]
    fn a_message_may_lack_what_older_dashboards_do_not_send_and_have_more_than_is_known() {
        let data = r#"{"boot": "a", "total": 1, "unknown": {}, "circuits": [
            {"name": "mail", "state": "open", "retry_after": null, "point": [1, 2, 3], "lease": null}]}"#;
        let Ok(Some(Message::Snapshot(frame))) = read("snapshot", data) else {
            panic!("a snapshot")
        };
        assert_eq!(frame.circuits[0].name, "mail");
        assert_eq!(Calls::from(frame.circuits[0].point).not_served(), 5);
        assert!(frame.circuits[0].outage.is_none() && frame.minute.is_none());
    }

    #[test]
    fn the_fields_of_newer_dashboards_are_read() {
        let data = r#"{"gone": ["a"], "minute": {"ok": 1, "failed": 2, "rejected": 3},
            "service": {"title": "checkout", "version": null, "host": "pod", "pid": 7, "started": 1.5},
            "circuits": [{"name": "b", "state": "open", "minute_calls": {"ok": 1, "failed": 0, "rejected": 9},
                          "outage": {"since": 432.5, "first": "trip()", "reopenings": 21}}]}"#;
        let Ok(Some(Message::Changes(frame))) = read("changes", data) else { panic!("changes") };
        assert_eq!(frame.gone, ["a"]);
        assert_eq!(frame.minute.map(Calls::all), Some(6));
        assert_eq!(frame.service.pid, Some(7));
        let outage = frame.circuits[0].outage.as_ref().unwrap();
        assert_eq!((outage.first.as_str(), outage.reopenings), ("trip()", 21));
    }

    #[test]
    fn unknown_events_are_skipped_and_broken_ones_are_not() {
        assert!(matches!(read("shutdown", "{}"), Ok(Some(Message::Shutdown))));
        assert!(matches!(read("weather", "{"), Ok(None)));
        assert!(read("snapshot", "{").is_err());
    }
}
