//! Guards every function of real crates, runs the tests of those crates with and without, and compares.
//!
//! ```text
//! cargo run --manifest-path tests/corpus/Cargo.toml                  what CI runs
//! cargo run --manifest-path tests/corpus/Cargo.toml -- --all         with large crates, and lints of all crates
//! cargo run --manifest-path tests/corpus/Cargo.toml -- semver bb8    those only
//! ```
//!
//! `crates.toml` lists the crates and the known limits. Downloads and builds are in `target/corpus`. It fails if
//! a guarded crate does not compile, or if a test or a lint says something else than without the attribute.

mod annotate;
mod build;
mod corpus;
mod lints;
mod verdicts;

use std::process::ExitCode;

use anyhow::Result;

use crate::build::Workspace;
use crate::corpus::Corpus;

fn main() -> Result<ExitCode> {
    let mut asked: Vec<String> = std::env::args().skip(1).collect();
    let all = asked.iter().any(|word| word == "--all");
    asked.retain(|word| word != "--all");
    let corpus = Corpus::read()?.only(&asked, all)?;
    let sources = build::download(&corpus)?;
    let bare = Workspace::write("bare", &corpus, &sources, false)?;
    let guarded = Workspace::write("guarded", &corpus, &sources, true)?;
    let mut failed = 0;
    for entry in &corpus.crates {
        if entry.path.is_none() {
            let report = verdicts::compare(&corpus, entry, &bare, &guarded)?;
            println!("{report}");
            failed += u32::from(!report.is_as_known());
        }
        if all || entry.path.is_some() {
            let report = lints::compare(&corpus, entry, &bare, &guarded)?;
            println!("{report}");
            failed += u32::from(!report.is_as_known());
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
