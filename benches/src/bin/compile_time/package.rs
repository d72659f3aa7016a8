//! Crates that are generated to be compiled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Result;

/// This workspace.
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A library crate of its own, outside of this workspace.
pub(crate) struct Package {
    folder: PathBuf,
}

impl Package {
    pub(crate) fn new(folder: &Path, name: &str, dependency: &str) -> Result<Self> {
        let package = Self { folder: folder.join(name) };
        fs::create_dir_all(package.folder.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependency}\n"
        );
        fs::write(package.folder.join("Cargo.toml"), manifest)?;
        // The versions that this workspace has, as far as it has them.
        fs::copy(Path::new(WORKSPACE).join("Cargo.lock"), package.folder.join("Cargo.lock"))?;
        package.write("")?;
        Ok(package)
    }

    /// The line of a manifest that depends on breaker.
    pub(crate) fn breaker() -> String {
        format!("breaker-runtime = {{ path = '{WORKSPACE}/breaker-runtime' }}")
    }

    /// Cargo sees a change, whether there is one or not.
    pub(crate) fn write(&self, source: &str) -> Result<()> {
        Ok(fs::write(self.folder.join("src").join("lib.rs"), source)?)
    }

    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([subcommand, "--quiet"]).current_dir(&self.folder);
        cargo
    }
}

/// What a command wrote to its standard output.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let run = command.output()?;
    if !run.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&run.stderr)).into());
    }
    Ok(String::from_utf8(run.stdout)?)
}

/// How long a command takes.
pub(crate) fn time_of(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    output_of(command)?;
    Ok(start.elapsed())
}
