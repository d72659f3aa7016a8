//! Measures breaker side by side with its peers, and prints one table.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use breaker_peers::{Pace, Report, Selection, contenders, run};
use clap::Parser;

/// Measures breaker side by side with its peers, and prints one table.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench -p breaker-peers --")]
struct Options {
    /// Only what has this at the beginning of a word of its name, such as "sync", "open" or "2 threads"
    filter: Vec<String>,
    /// Fewer and shorter rounds
    #[arg(long)]
    quick: bool,
    /// So many rounds
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Writes the tables to this file as well; a relative path begins at the workspace
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn pace(&self) -> Pace {
        let pace = if self.quick { Pace::QUICK } else { Pace::STEADY };
        Pace { rounds: self.rounds.map_or(pace.rounds, usize::from), ..pace }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let contenders = contenders();
    let selection = Selection::new(&options.filter.join(" "));
    let results = run(&contenders, &selection, options.pace(), |round, rounds| {
        eprintln!("round {round} of {rounds}");
    })?;

    let report = Report { contenders: &contenders, results: &results };
    let report = format!("{}\n{report}", machine());
    if let Some(file) = options.markdown {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        fs::write(workspace.join(file), &report)?;
    }
    println!("\n{report}");
    Ok(())
}

/// What the figures depend on most.
fn machine() -> String {
    let mut told = String::new();
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = available_parallelism().map_or(1, usize::from);
    let _ = writeln!(told, "{}, {cores} cores", model.unwrap_or(std::env::consts::ARCH));
    if let Ok(output) = Command::new("rustc").arg("--version").output() {
        told += &String::from_utf8_lossy(&output.stdout);
    }
    told
}
