//! Which process this is.

use std::env;
use std::fs;
use std::process;
use std::time::Duration;

use serde::Serialize;

use super::header::cut;
use crate::access::IsTrusted;

/// The maximum length of a title and of a version, in characters. They are in every answer.
const LONGEST: usize = 128;
/// The clock ticks of a second in `/proc`. Linux has the same on every architecture that Rust runs on.
const TICKS: f64 = 100.0;

/// What the program says about itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Label {
    pub(crate) title: Option<String>,
    pub(crate) version: Option<String>,
    /// Whether everybody may see the host and the process id.
    pub(crate) shows_process: bool,
}

impl Label {
    pub(crate) fn short(text: &str) -> Option<String> {
        let mut text = text.trim().to_owned();
        cut(&mut text, LONGEST);
        (!text.is_empty()).then_some(text)
    }
}

/// The process, as it was when the dashboard was made.
#[derive(Debug)]
pub(crate) struct Process {
    label: Label,
    host: Option<String>,
    id: u32,
    age: Duration,
}

/// The fields of every answer about the process.
#[derive(Debug, Serialize)]
pub(crate) struct Service<'a> {
    title: Option<&'a str>,
    version: Option<&'a str>,
    host: Option<&'a str>,
    pid: Option<u32>,
    started: f64,
}

impl Process {
    pub(crate) fn new(label: Label) -> Self {
        Self { label, host: host(), id: process::id(), age: age().unwrap_or_default() }
    }

    /// The process as a reader may see it, when the dashboard has run for `uptime`.
    pub(crate) fn shown_to(
        &self,
        IsTrusted(is_trusted): IsTrusted,
        uptime: Duration,
    ) -> Service<'_> {
        let is_shown = is_trusted || self.label.shows_process;
        Service {
            title: self.label.title.as_deref(),
            version: self.label.version.as_deref(),
            host: self.host.as_deref().filter(|_| is_shown),
            pid: is_shown.then_some(self.id),
            started: self.age.saturating_add(uptime).as_secs_f64(),
        }
    }
}

fn host() -> Option<String> {
    let of_linux = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let of_environment =
        || ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(|it| env::var(it).ok());
    Label::short(&of_linux.or_else(of_environment)?)
}

/// How long the process runs already. `None` where the system does not say.
fn age() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    age_of(&stat, &uptime)
}

fn age_of(stat: &str, uptime: &str) -> Option<Duration> {
    // The name of the program, in brackets, may hold spaces. The start is the 22nd field, and the 20th after it.
    let (_, fields) = stat.rsplit_once(") ")?;
    let began: f64 = fields.split(' ').nth(19)?.parse().ok()?;
    let now: f64 = uptime.split(' ').next()?.parse().ok()?;
    Duration::try_from_secs_f64(now - began / TICKS).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_process_is_read_from_proc() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 1 1 0 0 20 0 1 0 4500 1000 200";
        assert_eq!(age_of(stat, "65.50 99.00\n"), Some(Duration::from_millis(20_500)));
        for (stat, uptime) in [("", "1.0"), (stat, ""), (stat, "44.00 0"), ("7 (a) S 1", "65.5")] {
            assert_eq!(age_of(stat, uptime), None);
        }
    }

    #[test]
    fn where_the_process_runs_is_withheld_unless_the_program_shows_it() {
        let of = |shows_process| {
            let title = Label::short("  checkout, pod 7 ");
            Process::new(Label { title, version: None, shows_process })
        };
        let (hidden, shown) = (of(false), of(true));
        let pid = |process: &Process, is_trusted| {
            process.shown_to(IsTrusted(is_trusted), Duration::ZERO).pid
        };
        assert_eq!(pid(&hidden, false), None);
        assert_eq!([pid(&hidden, true), pid(&shown, false)], [Some(process::id()); 2]);
        let public = hidden.shown_to(IsTrusted(false), Duration::from_secs(5));
        assert_eq!((public.title, public.host), (Some("checkout, pod 7"), None));
        assert!(public.started >= 5.0);
    }

    #[test]
    fn a_title_is_short_and_never_empty() {
        assert_eq!(Label::short(" \n"), None);
        assert_eq!(Label::short(&"ü".repeat(500)).unwrap().chars().count(), LONGEST + 1);
    }
}
