//! Settings of circuits from a file and the environment, reloaded while the program runs.
//!
//! # Why it exists
//!
//! The settings of a circuit are compiled into the program. During an incident you want to change them without a
//! build. This crate reads them from a TOML file and from the variable `BREAKER`. It checks them as a whole, lays them
//! over what the code says, and watches the file.
//!
//! ```
//! use breaker_runtime::circuit_breaker;
//!
//! #[circuit_breaker(name = "payments", failure_threshold = 5)]
//! fn pay(cents: u32) -> Option<u32> {
//!     Some(cents)
//! }
//!
//! fn main() -> Result<(), breaker_config::Errors> {
//!     let _config = breaker_config::init()?; // stops watching when it is dropped
//!     pay(250);
//!     Ok(())
//! }
//! ```
//!
//! `BREAKER_CONFIG` names the file, `BREAKER` holds directives. [`File`] is the same with everything spelt out.
//!
//! # The file
//!
//! ```toml
//! unknown_circuits = "error"            # or "warn"
//!
//! [defaults]                            # fills what neither the attribute nor code states
//! cooldown = "30s"
//!
//! [templates.fragile]
//! failure_rate = "25%"                  # or 0.25
//! window = "30s"
//!
//! [circuits.payments]
//! extends = "fragile"
//! failure_threshold = 3
//! call_timeout = "800ms"
//! mode = "observe"                      # normal | observe | disabled | forced_open
//!
//! [circuits."http/legacy.example.com"]  # one key of `http`
//! cooldown = "5m"
//! ```
//!
//! The options and their limits are those of the attribute. `off` switches an option off that may be off. A template
//! may extend another one. `[circuits."*"]` is about every circuit.
//!
//! `[fleet]` says where processes meet that share circuits, for the crate `breaker-fleet`: `redis` is an address, and
//! `namespace` is the name that they share. Each circuit says `fleet = "quorum"` or `"any"` to be shared.
//! [`Configured::fleet`] has the section.
//!
//! # Directives
//!
//! `BREAKER="payments.failure_threshold=3,payments.mode=observe,*.cooldown=5s"` stands above the file. Names with a
//! comma, `=` or a quote are written in double quotes. `BREAKER="*.mode=disabled"` switches every circuit off, those of
//! keys too.
//!
//! # Features
//!
//! * `state` (default): adds `File::state`. It saves the circuits that are not closed, and restores them at the next
//!   start.
//! * `tracing` (default): logs each reload. Without it, only [`File::on_reload`] and the registry's snapshot show what
//!   a reload did.

mod directives;
mod document;
mod draft;
mod file;
mod fleet;
mod problem;
mod read;
#[cfg(feature = "state")]
mod state;
mod templates;
mod text;
mod watch;
mod worker;

use std::path::Path;

pub use crate::file::{Configured, File, init};
pub use crate::fleet::FleetSettings;
pub use crate::problem::{Errors, Problem};
pub use crate::watch::Reload;

/// Finds every mistake of a settings file, without any effect. For a test or a deploy step.
///
/// Circuits are those of the [default registry](breaker_runtime::registry()). `BREAKER` is not read.
///
/// # Errors
///
/// All mistakes at once.
///
/// # Examples
///
/// ```
/// let errors = breaker_config::check("no-such-file.toml".as_ref()).unwrap_err();
/// assert!(errors.to_string().starts_with("no-such-file.toml: there is no such file"));
/// ```
pub fn check(path: &Path) -> Result<(), Errors> {
    File::new(path).directives("").check()
}

/// What the fuzzer calls. Exists only with `--cfg fuzzing`, which `cargo fuzz` sets.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use breaker_runtime::Registry;

    use crate::draft::Draft;
    use crate::text::Text;

    /// Reads both texts. Applies the settings, or renders the mistakes.
    pub fn read(file: &str, directives: &str, registry: &Registry) {
        let file = Text::file("breaker.toml", file.to_owned());
        let directives = Text::variable(directives.to_owned());
        let draft = Draft::read(Some(file), Some(directives), registry);
        if let Err(errors) = draft.and_then(|draft| draft.apply(registry)) {
            assert!(!errors.to_string().is_empty());
        }
    }
}

/// Runs the guide's examples as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/configuration.md")]
struct Guide;

/// Runs the README's examples as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
