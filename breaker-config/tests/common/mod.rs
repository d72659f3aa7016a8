//! What the tests share.
#![allow(dead_code)] // each test uses a part

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use breaker_config::{File, Reload};
use breaker_runtime::Registry;

/// A registry of its own that lives as long as the process.
pub(crate) fn own() -> &'static Registry {
    Box::leak(Box::new(Registry::new()))
}

/// A folder that is removed with everything in it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    }

    /// As editors do it: a file beside, renamed over.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        let beside = self.write("beside.tmp", text);
        fs::rename(beside, self.path().join(name)).expect("a file");
    }
}

/// Waits much longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Reloads(Receiver<Reload>);

impl Reloads {
    pub(crate) fn of(file: File) -> (File, Self) {
        let (told, heard) = channel();
        (file.on_reload(move |reload| drop(told.send(reload.clone()))), Self(heard))
    }

    #[track_caller]
    pub(crate) fn next(&self) -> Reload {
        self.0.recv_timeout(PATIENCE).expect("a reload")
    }

    /// What was told and not heard yet.
    pub(crate) fn rest(&self) -> Vec<Reload> {
        self.0.try_iter().collect()
    }

    /// Whether nobody can tell any more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Disconnected))
    }
}
