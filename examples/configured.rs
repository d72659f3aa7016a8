//! Settings from a file that changes while the program runs.
//!
//! The example writes a file of settings, prints where each value comes from, and edits the file twice: once well, and
//! once with mistakes.
//!
//! Run it with `cargo run --example configured`, or with directives above the file:
//! `BREAKER="payments.success_threshold=9" cargo run --example configured`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use std::{env, fs, process};

use breaker_config::{File, Reload};
use breaker_runtime::{EventKind, Snapshot, circuit_breaker, registry};

#[circuit_breaker(name = "payments", failure_threshold = 5)]
fn pay(cents: u32) -> Result<u32, Box<dyn Error>> {
    Ok(cents)
}

const FIRST: &str = r#"
[defaults]
cooldown = "30s"

[templates.careful]
half_open_max_calls = 1

[circuits.payments]
extends = "careful"
minimum_calls = 20
"#;

const GOOD: &str = r#"
[defaults]
cooldown = "10s"

[circuits.payments]
failure_threshold = "off"
failure_rate = "25%"
mode = "observe"
"#;

const BAD: &str = r#"
[defalts]
cooldown = "10s"

[circuits.payment]
failure_rate = 25
cooldwn = "5s"
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let file = Temporary::new(FIRST)?;
    let (told, reloads) = channel();
    let _config = File::new(&file.path)
        .watch(true)
        .on_reload(move |reload| drop(told.send(reload.clone())))
        .apply()?;
    let _listening = registry().subscribe_to_changes(|event| {
        if let EventKind::Reconfigured(changes) = &event.kind {
            println!("event of {:?}:", event.name);
            changes.iter().for_each(|change| println!("  {change}"));
        }
    });
    pay(250)?;
    show("The settings at the start");

    println!("\nThe file is edited.");
    file.replace(GOOD)?;
    println!("{}", next(&reloads)?);
    show("The settings now");

    println!("\nThe file is edited again, badly.");
    file.replace(BAD)?;
    println!("{}", next(&reloads)?);
    show("The settings are the same");
    Ok(())
}

fn next(reloads: &Receiver<Reload>) -> Result<String, Box<dyn Error>> {
    Ok(match reloads.recv_timeout(Duration::from_secs(30))? {
        Reload::Applied(applied) => format!("applied; changed: {:?}", applied.changed),
        Reload::Refused(errors) => format!("refused:\n\n{errors}"),
        _ => "the file is gone".to_owned(),
    })
}

/// The values that something states, and where.
fn show(headline: &str) {
    println!("\n{headline}:");
    let snapshot = registry().get("payments").map(|circuit| circuit.snapshot());
    for (option, value, source) in snapshot.iter().flat_map(rows) {
        println!("  {option:<20}  {value:<8}  {source}");
    }
}

fn rows(snapshot: &Snapshot) -> Vec<(String, String, String)> {
    let stated = snapshot.config.to_string();
    let stated = stated.split(", ").filter_map(|it| it.split_once('='));
    let row = |(option, value): (&str, &str)| {
        (option.to_owned(), value.to_owned(), snapshot.sources.of(option).to_string())
    };
    stated.map(row).collect()
}

/// A file that is removed at the end.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn new(text: &str) -> Result<Self, Box<dyn Error>> {
        let folder = env::temp_dir().join(format!("breaker-configured-{}", process::id()));
        fs::create_dir_all(&folder)?;
        let path = folder.join("breaker.toml");
        fs::write(&path, text.trim_start())?;
        Ok(Self { path })
    }

    /// As editors do it: a file beside, renamed over.
    fn replace(&self, text: &str) -> Result<(), Box<dyn Error>> {
        let beside = self.path.with_extension("new");
        fs::write(&beside, text.trim_start())?;
        Ok(fs::rename(beside, &self.path)?)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        if let Err(error) = fs::remove_dir_all(folder) {
            eprintln!("{}: {error}", folder.display());
        }
    }
}
