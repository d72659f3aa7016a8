//! Compares what the compiler and clippy say about a crate, bare and guarded.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::Result;

use crate::build::{Lint, Workspace};
use crate::corpus::{Corpus, Crate};

/// What became of the lints of one crate.
pub(crate) struct Report {
    name: String,
    lints: usize,
    /// Lints that fire only without the attribute, except known ones.
    silent: Vec<Lint>,
    /// Lints that fire only with the attribute.
    extra: Vec<Lint>,
    /// Known limits that are none any more.
    mended: Vec<String>,
}

pub(crate) fn compare(
    corpus: &Corpus,
    entry: &Crate,
    bare: &Workspace,
    guarded: &Workspace,
) -> Result<Report> {
    let (before, after) = (bare.lint(entry)?, guarded.lint(entry)?);
    let known = corpus.silent_lints();
    let silent: Vec<Lint> = before.difference(&after).cloned().collect();
    let seen: BTreeSet<&str> = silent.iter().map(|lint| lint.name.as_str()).collect();
    // Our own crate has an example of each.
    let gone = known.iter().filter(|lint| entry.path.is_some() && !seen.contains(**lint));
    Ok(Report {
        name: entry.name.clone(),
        lints: before.len(),
        mended: gone.map(|lint| (*lint).to_owned()).collect(),
        silent: silent
            .iter()
            .filter(|lint| !known.contains(&lint.name.as_str()))
            .cloned()
            .collect(),
        extra: after.difference(&before).cloned().collect(),
    })
}

impl Report {
    pub(crate) fn is_as_known(&self) -> bool {
        self.silent.is_empty() && self.extra.is_empty() && self.mended.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, lints, silent, extra, mended } = self;
        write!(f, "{name}: {lints} lints, {} silent, {} without cause", silent.len(), extra.len())?;
        let mut list = |title, lints: &[Lint]| {
            lints.iter().try_for_each(|Lint { name, file, line }| {
                write!(f, "\n    {title}: {name} at {file}:{line}")
            })
        };
        list("silent", silent)?;
        list("without cause", extra)?;
        for lint in mended {
            write!(f, "\n    {lint} is no limit any more: take it off crates.toml")?;
        }
        Ok(())
    }
}
