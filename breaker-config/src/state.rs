//! The saved state: written a second after a change, and restored at the start (R31).

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use breaker_runtime::{EventKind, Registry, Restored, Saved, Subscription};

use crate::read::{Unread, read};
use crate::worker::{Bell, Worker};

/// The file is written this long after a change, with all later changes.
const DELAY: Duration = Duration::from_secs(1);
/// An older saved state is not restored: it says nothing about the present.
const LONGEST_AGE: Duration = Duration::from_secs(3600);
/// The largest saved state that is read, in MiB. An outage can open the circuits of very many keys.
const LARGEST: u64 = 64;

/// Restores what the file says. A file that cannot be used restores nothing.
pub(crate) fn restore(path: &Path, registry: &Registry) -> Restored {
    let text = match read(path, "", LARGEST) {
        Ok(text) => text,
        Err(Unread::Missing) => return Restored::default(),
        Err(Unread::Wrong(problem)) => {
            warn(path, &problem);
            return Restored::default();
        }
    };
    match serde_json::from_str::<Saved>(text.as_str()) {
        Ok(saved) => registry.restore(&saved, LONGEST_AGE),
        Err(error) => {
            warn(path, &error);
            Restored::default()
        }
    }
}

/// Writes the state when it changes, and when dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// Dropped first, so that nothing rings any more.
    _subscription: Subscription,
    _worker: Worker,
}

impl Keeper {
    pub(crate) fn begin(path: PathBuf, registry: &'static Registry) -> Self {
        let (bell, rung) = Bell::new();
        let at_change = bell.clone();
        let subscription = registry.subscribe_to_changes(move |event| {
            if matches!(event.kind, EventKind::Transition(_)) {
                at_change.ring();
            }
        });
        let writer = Writer { path, registry, bell: bell.clone(), rung };
        let worker = Worker::start("breaker-state", bell, move || writer.run());
        Self { _subscription: subscription, _worker: worker }
    }
}

struct Writer {
    path: PathBuf,
    registry: &'static Registry,
    bell: Bell,
    rung: Receiver<()>,
}

impl Writer {
    fn run(&self) {
        let mut has_failed = false;
        while self.rung.recv().is_ok() {
            let due = Instant::now() + DELAY;
            // Later changes are in what is written.
            while !self.bell.is_over() && Instant::now() < due {
                let _ = self.rung.recv_timeout(due.saturating_duration_since(Instant::now()));
            }
            // Before it is written, so that what comes later is written, too.
            let is_last = self.bell.is_over();
            match write(&self.path, &self.registry.save()) {
                Ok(()) => has_failed = false,
                // Once, and not each second for as long as a disk is full.
                Err(_) if has_failed => {}
                Err(error) => {
                    has_failed = true;
                    warn(&self.path, &error);
                }
            }
            if is_last {
                return;
            }
        }
    }
}

/// Replaces the file as a whole: a reader finds the old one or the new one, also after a crash.
fn write(path: &Path, saved: &Saved) -> io::Result<()> {
    let text = serde_json::to_string(saved).map_err(io::Error::other)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", process::id()));
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&beside, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    renamed
}

#[cfg(feature = "tracing")]
fn warn(path: &Path, problem: &dyn std::fmt::Display) {
    tracing::warn!(file = %path.display(), "the saved state is not used: {problem}");
}

#[cfg(not(feature = "tracing"))]
fn warn(_: &Path, _: &dyn std::fmt::Display) {}
