//! Watching the file, and reading it again.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use breaker_runtime::{Applied, Layer};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::file::{Listener, Source};
use crate::problem::Errors;
use crate::read::Unread;
use crate::worker::{Bell, Worker};

/// A change is over after this time without events.
const QUIET: Duration = Duration::from_millis(50);
/// The file is read after this time, even if events keep coming.
const LONGEST: Duration = Duration::from_secs(1);
/// The file is also read at this interval: network file systems send no events, and a directory may be replaced.
const POLL: Duration = Duration::from_secs(5);

/// What a look at the changed file led to.
///
/// # Examples
///
/// ```
/// use breaker_config::Reload;
///
/// assert!(!Reload::Gone.is_applied());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reload {
    /// The new settings were applied.
    Applied(Applied),
    /// The new settings are wrong. The old ones stay, and the registry's snapshot shows the mistakes.
    Refused(Errors),
    /// The file is gone. Its last settings stay.
    Gone,
}

impl Reload {
    /// Whether new settings were applied.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::{File, Reload};
    ///
    /// let config = File::none().apply()?;
    /// assert!(Reload::Applied(config.applied().clone()).is_applied());
    /// assert!(!Reload::Gone.is_applied());
    /// # Ok::<(), breaker_config::Errors>(())
    /// ```
    #[must_use]
    pub const fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }
}

/// What the file was at the last look.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Unreadable(String),
    Missing,
}

/// The operating system tells of changes from here on.
pub(crate) struct Watched {
    /// `None` if the operating system does not tell. The file is polled anyway.
    system: Option<RecommendedWatcher>,
    directories: Vec<PathBuf>,
    bell: Bell,
    rung: Receiver<()>,
}

impl Watched {
    pub(crate) fn begin(source: &Source) -> Self {
        let (bell, rung) = Bell::new();
        let at_change = bell.clone();
        let system = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading the file is an access, too.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                at_change.ring();
            }
        });
        let mut watched = Self { system: system.ok(), directories: vec![], bell, rung };
        watched.follow(source.path.as_deref());
        watched
    }

    /// Watches the directory of the file, and that of the file which it links to. Editors and Kubernetes replace the
    /// file, so watching the file itself would end with the first change.
    fn follow(&mut self, path: Option<&Path>) {
        let Some(system) = &mut self.system else { return };
        let link = path.and_then(Path::parent).map(Path::to_path_buf);
        let target = path.and_then(|path| fs::canonicalize(path).ok());
        let target = target.as_deref().and_then(Path::parent).map(Path::to_path_buf);
        let mut wanted: Vec<PathBuf> = link.into_iter().chain(target).collect();
        wanted.dedup();
        for left in self.directories.iter().filter(|known| !wanted.contains(known)) {
            let _ = system.unwatch(left);
        }
        let mut watch = |directory: &PathBuf| {
            self.directories.contains(directory)
                || system.watch(directory, RecursiveMode::NonRecursive).is_ok()
        };
        wanted.retain(&mut watch);
        self.directories = wanted;
    }

    /// Watches again from the beginning. A directory that was replaced is no longer watched, and nothing tells so.
    fn follow_again(&mut self, path: Option<&Path>) {
        if let Some(system) = &mut self.system {
            for directory in self.directories.drain(..) {
                let _ = system.unwatch(&directory);
            }
        }
        self.follow(path);
    }

    pub(crate) fn run(self, source: Source, seen: Seen, listener: Option<Listener>) -> Worker {
        let bell = self.bell.clone();
        let mut reader = Reader { watched: self, source, seen, listener };
        Worker::start("breaker-config", bell, move || reader.run())
    }
}

struct Reader {
    watched: Watched,
    source: Source,
    seen: Seen,
    listener: Option<Listener>,
}

impl Reader {
    fn run(&mut self) {
        while !self.watched.bell.is_over() {
            let path = self.source.path.as_deref();
            match self.watched.rung.recv_timeout(POLL) {
                Ok(()) => {
                    self.settle();
                    self.watched.follow(self.source.path.as_deref());
                }
                Err(RecvTimeoutError::Timeout) => self.watched.follow_again(path),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.watched.bell.is_over() {
                return;
            }
            if let Some(reload) = self.look() {
                self.tell(&reload);
            }
        }
    }

    /// Waits until a change is over.
    fn settle(&self) {
        let began = Instant::now();
        while began.elapsed() < LONGEST && !self.watched.bell.is_over() {
            if self.watched.rung.recv_timeout(QUIET).is_err() {
                return;
            }
        }
    }

    /// Reads the file, and applies it if it differs from what it was.
    fn look(&mut self) -> Option<Reload> {
        let text = self.source.read()?;
        let seen = match &text {
            Ok(text) => Seen::Text(text.as_str().to_owned()),
            Err(Unread::Missing) => Seen::Missing,
            Err(Unread::Wrong(message)) => Seen::Unreadable(message.clone()),
        };
        if seen == self.seen {
            return None;
        }
        self.seen = seen;
        let name = &self.source.name;
        let applied = match text {
            Ok(text) => self.source.draft(Some(text)),
            Err(Unread::Missing) => {
                self.refuse(vec![format!("{name}: the file is gone; its last settings stay")]);
                return Some(Reload::Gone);
            }
            Err(unread) => Err(unread.errors(name)),
        };
        let applied = applied.and_then(|draft| draft.apply(self.source.registry));
        Some(applied.map_or_else(
            |errors| {
                self.refuse(errors.without_excerpts());
                Reload::Refused(errors)
            },
            Reload::Applied,
        ))
    }

    fn refuse(&self, mistakes: Vec<String>) {
        self.source.registry.refuse(Layer::File, mistakes);
    }

    fn tell(&self, reload: &Reload) {
        #[cfg(feature = "tracing")]
        log(&self.source.name, reload);
        if let Some(listener) = &self.listener {
            // A listener that panics must not end the watch.
            let _ = catch_unwind(AssertUnwindSafe(|| listener(reload)));
        }
    }
}

#[cfg(feature = "tracing")]
fn log(file: &str, reload: &Reload) {
    match reload {
        Reload::Applied(applied) => {
            tracing::info!(file, changed = ?applied.changed, "settings were reloaded");
            warn_of_unknown(applied);
        }
        Reload::Refused(errors) => {
            let mistakes = errors.without_excerpts().join("\n");
            tracing::error!(file, "settings were refused, and the old ones stay\n{mistakes}");
        }
        Reload::Gone => tracing::warn!(file, "the file is gone, and its last settings stay"),
    }
}

#[cfg(feature = "tracing")]
pub(crate) fn warn_of_unknown(applied: &Applied) {
    if !applied.unknown.is_empty() {
        tracing::warn!(circuits = ?applied.unknown, "settings of circuits that do not exist yet");
    }
}
