//! Where settings are read from, and the value that keeps watching.

use std::env;
use std::fmt;
use std::path::PathBuf;

use breaker_runtime::{Applied, Registry};

use crate::draft::Draft;
use crate::fleet::FleetSettings;
use crate::problem::{Errors, Problem};
use crate::read::{Unread, read};
use crate::text::{Text, VARIABLE};
use crate::watch::{Reload, Seen, Watched};
use crate::worker::Worker;

/// The largest file of settings that is read, in MiB.
const LARGEST: u64 = 1;

/// Reads the file that `BREAKER_CONFIG` names, and the directives in `BREAKER`, and applies them to the default
/// registry. Without these variables nothing changes.
///
/// The file is watched as long as the returned value lives. Bind it to a name: `let _ = init()` drops it at once.
///
/// Call it at the start of `main`. Circuits of annotated functions are known before their first call. If your code
/// makes circuits by name later, write `unknown_circuits = "warn"` in the file.
///
/// # Errors
///
/// All mistakes at once. Nothing was applied then.
///
/// # Examples
///
/// ```
/// let _config = breaker_config::init()?;
/// # Ok::<(), breaker_config::Errors>(())
/// ```
pub fn init() -> Result<Configured, Errors> {
    match env::var_os("BREAKER_CONFIG").filter(|path| !path.is_empty()) {
        Some(path) => File::new(path).watch(true).apply(),
        None => File::none().apply(),
    }
}

/// A file of settings, and how to use it.
///
/// The variable `BREAKER` counts here too: what an operator sets there stands above every file. Use
/// [`directives`](File::directives) to state other ones.
///
/// # Examples
///
/// ```
/// use breaker_config::File;
/// use breaker_runtime::{Config, registry};
/// # let path = std::env::temp_dir().join("breaker-doc-file.toml");
/// # std::fs::write(&path, "[circuits.payments]\ncooldown = '5s'\n")?;
///
/// registry().get_or_create("payments", Config::new())?;
/// let config = File::new(path).watch(true).apply()?;
/// assert_eq!(config.applied().changed, ["payments"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a file has no effect before it is applied"]
pub struct File {
    path: Option<PathBuf>,
    watch: bool,
    registry: Option<&'static Registry>,
    directives: Option<String>,
    listener: Option<Listener>,
    #[cfg(feature = "state")]
    state: Option<PathBuf>,
}

pub(crate) type Listener = Box<dyn Fn(&Reload) + Send>;

impl File {
    /// A file, which is not watched. Messages and sources call it by the path as it is given here.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    /// use breaker_runtime::{Config, registry};
    /// # let path = std::env::temp_dir().join("breaker-doc-new.toml");
    /// # std::fs::write(&path, "[circuits.mail]\ncooldown = '5s'\n")?;
    ///
    /// registry().get_or_create("mail", Config::new())?;
    /// let config = File::new(path).apply()?;
    /// assert_eq!(config.applied().changed, ["mail"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..Self::none() }
    }

    /// No file: only directives.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    ///
    /// let _config = File::none().directives("*.cooldown=5s").apply()?;
    /// # Ok::<(), breaker_config::Errors>(())
    /// ```
    pub fn none() -> Self {
        Self {
            path: None,
            watch: false,
            registry: None,
            directives: None,
            listener: None,
            #[cfg(feature = "state")]
            state: None,
        }
    }

    /// Whether the file is read again when it changes.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    /// # let path = std::env::temp_dir().join("breaker-doc-watch.toml");
    /// # std::fs::write(&path, "")?;
    ///
    /// let config = File::new(path).watch(true).apply()?;
    /// assert!(config.applied().changed.is_empty());
    /// drop(config); // stops watching
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch(mut self, watch: bool) -> Self {
        self.watch = watch;
        self
    }

    /// The registry that the settings are for, instead of the default one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::LazyLock;
    /// use breaker_config::File;
    /// use breaker_runtime::Registry;
    ///
    /// static OWN: LazyLock<Registry> = LazyLock::new(Registry::new);
    ///
    /// let _config = File::none().directives("*.cooldown=5s").registry(&OWN).apply()?;
    /// # Ok::<(), breaker_config::Errors>(())
    /// ```
    pub fn registry(mut self, registry: &'static Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// The directives, instead of those in the variable `BREAKER`.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    /// use breaker_runtime::{Config, registry};
    ///
    /// registry().get_or_create("mail", Config::new())?;
    /// let config = File::none().directives("mail.cooldown=5s, mail.mode=observe").apply()?;
    /// assert_eq!(config.applied().changed, ["mail"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn directives(mut self, directives: impl Into<String>) -> Self {
        self.directives = Some(directives.into());
        self
    }

    /// Calls it after each reload, in the thread that watches.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::{File, Reload};
    /// # let path = std::env::temp_dir().join("breaker-doc-reload.toml");
    /// # std::fs::write(&path, "")?;
    ///
    /// let _config = File::new(path)
    ///     .watch(true)
    ///     .on_reload(|reload| match reload {
    ///         Reload::Applied(applied) => println!("changed: {:?}", applied.changed),
    ///         Reload::Refused(errors) => eprintln!("{errors}"),
    ///         _ => eprintln!("the file is gone"),
    ///     })
    ///     .apply()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_reload(mut self, listener: impl Fn(&Reload) + Send + 'static) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// A file that keeps the circuits that are not closed, so that a restart during an outage does not begin with all
    /// of them closed. It is written a second after a change and when [`Configured`] is dropped, as a whole. At the
    /// start it is [restored](Registry::restore), if it is not older than an hour.
    ///
    /// A file that is missing, truncated, unreadable or of another kind never stops a start.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    /// use breaker_runtime::{Config, Registry, State};
    /// # let path = std::env::temp_dir().join(format!("breaker-doc-{}.state.json", std::process::id()));
    /// # fn registry() -> &'static Registry { Box::leak(Box::new(Registry::new())) }
    ///
    /// let before = registry();
    /// let config = File::none().directives("").registry(before).state(&path).apply()?;
    /// before.circuit("mail", Config::new())?.trip();
    /// drop(config);
    ///
    /// // The next process:
    /// let after = registry();
    /// let mail = after.circuit("mail", Config::new())?;
    /// let config = File::none().directives("").registry(after).state(&path).apply()?;
    /// assert_eq!(config.restored().opened, ["mail"]);
    /// assert_eq!(mail.state(), State::Open);
    /// # drop(config);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "state")]
    pub fn state(mut self, path: impl Into<PathBuf>) -> Self {
        self.state = Some(path.into());
        self
    }

    /// Finds every mistake, without any effect.
    ///
    /// # Errors
    ///
    /// All mistakes at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    ///
    /// assert!(File::none().directives("*.cooldown=5").check().is_err());
    /// ```
    pub fn check(self) -> Result<(), Errors> {
        let source = self.source()?;
        source.draft(source.file()?)?.check(source.registry)
    }

    /// Applies the settings as a whole, and begins to watch the file if it should be.
    ///
    /// The settings replace settings of another file or other directives. [`File::none`] replaces only directives.
    /// Settings of a file stay, and so do settings that code applied to its own layers.
    ///
    /// # Errors
    ///
    /// All mistakes at once. Nothing was applied then, and nothing is watched.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    ///
    /// let errors = File::new("no-such-file.toml").apply().unwrap_err();
    /// assert_eq!(errors.to_string(), "no-such-file.toml: there is no such file");
    /// ```
    pub fn apply(mut self) -> Result<Configured, Errors> {
        let listener = self.listener.take();
        let is_watched = self.watch && self.path.is_some();
        #[cfg(feature = "state")]
        let state = self.state.take().map(|path| std::path::absolute(&path).unwrap_or(path));
        let source = self.source()?;
        // Before the file is read, so that no change falls between.
        let watched = is_watched.then(|| Watched::begin(&source));
        let text = source.file()?;
        let seen = Seen::Text(text.as_ref().map(Text::as_str).unwrap_or_default().to_owned());
        let draft = source.draft(text)?;
        let applied = draft.apply(source.registry)?;
        #[cfg(feature = "tracing")]
        crate::watch::warn_of_unknown(&applied);
        #[cfg(feature = "state")]
        let restored = state.as_deref().map(|path| crate::state::restore(path, source.registry));
        #[cfg(feature = "state")]
        let keeper = state.map(|path| crate::state::Keeper::begin(path, source.registry));
        let watch = watched.map(|watched| watched.run(source, seen, listener));
        Ok(Configured {
            applied,
            fleet: draft.fleet().cloned(),
            #[cfg(feature = "state")]
            restored: restored.unwrap_or_default(),
            #[cfg(feature = "state")]
            _keeper: keeper,
            _watch: watch,
        })
    }

    fn source(self) -> Result<Source, Errors> {
        let directives = match self.directives {
            Some(directives) => directives,
            None => match env::var(VARIABLE) {
                Ok(directives) => directives,
                Err(env::VarError::NotPresent) => String::new(),
                Err(env::VarError::NotUnicode(_)) => {
                    return Err(Errors::of_one(Problem::of_all(VARIABLE, "it is not UTF-8")));
                }
            },
        };
        let name = self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        // The process may change its directory later.
        let path = self.path.map(|path| std::path::absolute(&path).unwrap_or(path));
        let registry = self.registry.unwrap_or_else(|| breaker_runtime::registry());
        Ok(Source { path, name, directives, registry })
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("path", &self.path)
            .field("watch", &self.watch)
            .field("directives", &self.directives)
            .finish_non_exhaustive()
    }
}

/// What settings are read from, and the registry that they are for.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: Option<PathBuf>,
    /// The file as messages call it.
    pub(crate) name: String,
    directives: String,
    pub(crate) registry: &'static Registry,
}

impl Source {
    fn file(&self) -> Result<Option<Text>, Errors> {
        self.read().transpose().map_err(|unread| unread.errors(&self.name))
    }

    /// The text of the file, if there is one.
    pub(crate) fn read(&self) -> Option<Result<Text, Unread>> {
        self.path.as_deref().map(|path| read(path, &self.name, LARGEST))
    }

    /// What the file's text and the directives say.
    pub(crate) fn draft(&self, file: Option<Text>) -> Result<Draft, Errors> {
        let directives = Some(self.directives.clone()).filter(|text| !text.trim().is_empty());
        Draft::read(file, directives.map(Text::variable), self.registry)
    }
}

/// Settings that were applied. Watches the file as long as it lives, if it should be watched.
///
/// Dropping it waits until the thread that watches has ended. The settings stay.
///
/// # Examples
///
/// ```
/// let config = breaker_config::init()?;
/// println!("changed: {:?}", config.applied().changed);
/// # Ok::<(), breaker_config::Errors>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it stops watching the file"]
pub struct Configured {
    applied: Applied,
    fleet: Option<FleetSettings>,
    #[cfg(feature = "state")]
    restored: breaker_runtime::Restored,
    #[cfg(feature = "state")]
    _keeper: Option<crate::state::Keeper>,
    _watch: Option<Worker>,
}

impl Configured {
    /// What changed at the start.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    /// use breaker_runtime::{Config, registry};
    ///
    /// registry().get_or_create("mail", Config::new())?;
    /// let config = File::none().directives("mail.cooldown=5s").apply()?;
    /// assert_eq!(config.applied().changed, ["mail"]);
    /// assert!(config.applied().unknown.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn applied(&self) -> &Applied {
        &self.applied
    }

    /// Where the processes of a fleet meet, if the file has a section `[fleet]`. It is read once: a change takes effect
    /// at the next start. The option `fleet` of circuits may change at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    /// # let path = std::env::temp_dir().join("breaker-doc-configured-fleet.toml");
    /// # std::fs::write(&path, "[fleet]\nredis = 'redis://redis.internal/'\nnamespace = 'shop-production'\n")?;
    ///
    /// let config = File::new(path).apply()?;
    /// assert_eq!(config.fleet().unwrap().namespace(), "shop-production");
    /// assert!(File::none().apply()?.fleet().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn fleet(&self) -> Option<&FleetSettings> {
        self.fleet.as_ref()
    }

    /// What of the [saved state](File::state) was restored at the start.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    /// # let path = std::env::temp_dir().join(format!("breaker-doc-{}.restored.json", std::process::id()));
    ///
    /// let config = File::none().state(&path).apply()?;
    /// assert!(config.restored().opened.is_empty()); // there was no file
    /// # drop(config);
    /// # let _ = std::fs::remove_file(path);
    /// # Ok::<(), breaker_config::Errors>(())
    /// ```
    #[cfg(feature = "state")]
    #[must_use]
    pub const fn restored(&self) -> &breaker_runtime::Restored {
        &self.restored
    }
}
