//! The list of crates and known limits, `crates.toml`.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Corpus {
    #[serde(rename = "crate")]
    pub(crate) crates: Vec<Crate>,
    #[serde(default, rename = "limit")]
    limits: Vec<Limit>,
    #[serde(default, rename = "silent")]
    silent: Vec<Silent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// For crates of the registry.
    #[serde(default)]
    pub(crate) version: String,
    /// For a crate beside this one, which has lints to compare, not tests.
    pub(crate) path: Option<String>,
    #[serde(default)]
    pub(crate) features: Vec<String>,
    /// Tests that are not run, as they make millions of calls. `cargo test -- --skip` takes them.
    #[serde(default)]
    pub(crate) skip: Vec<String>,
    /// Only with `--all`.
    #[serde(default)]
    deep: bool,
}

/// Something that is known not to work.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    #[serde(rename = "crate")]
    krate: String,
    what: What,
    /// Read by people only.
    #[serde(rename = "reason")]
    _reason: String,
}

/// A lint that says nothing about guarded functions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Silent {
    lint: String,
    #[serde(rename = "reason")]
    _reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum What {
    /// The functions of that name in that file keep their own code.
    Function { file: String, name: String },
    /// The test says something else: `time_delay_queue::a_test`.
    Test(String),
}

impl Crate {
    /// What cargo calls it. Others may depend on another version.
    pub(crate) fn package(&self) -> String {
        if self.path.is_some() {
            self.name.clone()
        } else {
            format!("{}@{}", self.name, self.version)
        }
    }
}

impl Corpus {
    pub(crate) fn read() -> Result<Self> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/crates.toml");
        let text = std::fs::read_to_string(path)?;
        toml::from_str(&text).context(path)
    }

    /// The crates that were asked for, or the crates that run every time.
    pub(crate) fn only(mut self, names: &[String], all: bool) -> Result<Self> {
        for name in names {
            ensure!(
                self.crates.iter().any(|entry| entry.name == *name),
                "`{name}` is not in crates.toml"
            );
        }
        self.crates.retain(|entry| {
            if names.is_empty() { all || !entry.deep } else { names.contains(&entry.name) }
        });
        Ok(self)
    }

    /// The functions of a file that keep their own code.
    pub(crate) fn bare_functions(&self, entry: &Crate, in_file: &str) -> Vec<&str> {
        let functions = self.of(entry).filter_map(|what| match what {
            What::Function { file, name } if file == in_file => Some(name.as_str()),
            _ => None,
        });
        functions.collect()
    }

    /// The tests that say something else.
    pub(crate) fn changed_tests(&self, entry: &Crate) -> Vec<&str> {
        let tests = self.of(entry).filter_map(|what| match what {
            What::Test(name) => Some(name.as_str()),
            What::Function { .. } => None,
        });
        tests.collect()
    }

    /// The lints that say nothing about guarded functions.
    pub(crate) fn silent_lints(&self) -> Vec<&str> {
        self.silent.iter().map(|silent| silent.lint.as_str()).collect()
    }

    fn of(&self, entry: &Crate) -> impl Iterator<Item = &What> {
        self.limits.iter().filter(|limit| limit.krate == entry.name).map(|limit| &limit.what)
    }
}
