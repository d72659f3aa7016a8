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
        self.write_to("lib.rs", source)
    }

    /// The same for another file of its sources.
    pub(crate) fn write_to(&self, file: &str, source: &str) -> Result<()> {
        Ok(fs::write(self.folder.join("src").join(file), source)?)
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
#[derive(Clone, Copy)]
pub(crate) struct Time {
    pub(crate) wall: Duration,
    /// Of all processes that it started. On a busy machine, this moves less. Zero where there is no `/proc`.
    pub(crate) cpu: Duration,
}

pub(crate) fn time_of(command: &mut Command) -> Result<Time> {
    let (start, before) = (Instant::now(), cpu_of_children());
    output_of(command)?;
    Ok(Time { wall: start.elapsed(), cpu: cpu_of_children().saturating_sub(before) })
}

/// The time that processes ran that this one started and that have ended.
fn cpu_of_children() -> Duration {
    const TICKS_PER_SECOND: u64 = 100;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in brackets, may hold spaces.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    let ticks = fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 1000 / TICKS_PER_SECOND)
}
