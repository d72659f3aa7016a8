//! Downloads the crates, and lays them out as two workspaces that differ in the attribute only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value};

use crate::annotate::annotate;
use crate::corpus::{Corpus, Crate};

/// Where everything is kept.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/corpus")
}

/// The directories of the sources, by crate.
pub(crate) type Sources = BTreeMap<String, PathBuf>;

/// Has cargo download the crates.
pub(crate) fn download(corpus: &Corpus) -> Result<Sources> {
    let directory = root().join("download");
    let (local, remote): (Vec<_>, Vec<_>) =
        corpus.crates.iter().partition(|entry| entry.path.is_some());
    let versions = remote.iter().map(|entry| format!("{} = \"={}\"\n", entry.name, entry.version));
    let manifest = format!(
        "[workspace]\n[package]\nname = \"download\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n{}",
        versions.collect::<String>()
    );
    write(&directory.join("Cargo.toml"), &manifest)?;
    write(&directory.join("src/lib.rs"), "")?;
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version=1"]).current_dir(&directory).stderr(Stdio::inherit());
    let output = cargo.output()?;
    ensure!(output.status.success(), "cargo cannot download the crates");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo lists packages")?;
    let here = |entry: &&Crate| {
        let path = entry.path.clone().unwrap_or_default();
        (entry.name.clone(), Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
    };
    let mut sources: Sources = local.iter().map(here).collect();
    for entry in remote {
        let is_it = |package: &&serde_json::Value| {
            package["name"] == *entry.name && package["version"] == *entry.version
        };
        let manifest =
            packages.iter().find(is_it).and_then(|package| package["manifest_path"].as_str());
        let directory = manifest.and_then(|manifest| Path::new(manifest).parent());
        sources.insert(
            entry.name.clone(),
            directory.context("cargo says where a crate is")?.to_owned(),
        );
    }
    Ok(sources)
}

/// Copies of all crates, guarded or not.
pub(crate) struct Workspace {
    directory: PathBuf,
    /// Where the crates are in it. Cargo tells builds of one crate apart by this path alone, and the workspaces
    /// share a target directory.
    kind: &'static str,
    /// How many functions are guarded, by crate.
    functions: BTreeMap<String, usize>,
}

impl Workspace {
    pub(crate) fn write(
        kind: &'static str,
        corpus: &Corpus,
        sources: &Sources,
        guarded: bool,
    ) -> Result<Self> {
        let directory = root().join(kind);
        let mut functions = BTreeMap::new();
        for entry in &corpus.crates {
            let to = directory.join(kind).join(&entry.name);
            let mut count = 0;
            copy(&sources[&entry.name], &to, Path::new(""), &mut |file, text| {
                if guarded && file.starts_with("src/") && file.ends_with(".rs") {
                    let annotated = annotate(&text, file, &corpus.bare_functions(entry, file))?;
                    count += annotated.functions;
                    return Ok(annotated.text);
                }
                if file == "Cargo.toml" { manifest(&text) } else { Ok(text) }
            })?;
            functions.insert(entry.name.clone(), count);
        }
        let members: Vec<_> =
            corpus.crates.iter().map(|entry| format!("{kind}/{}", entry.name)).collect();
        write(
            &directory.join("Cargo.toml"),
            &format!("[workspace]\nmembers = {members:?}\nresolver = \"2\"\n"),
        )?;
        let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/crates.lock"))?;
        write(&directory.join("Cargo.lock"), &lock)?;
        Ok(Self { directory, kind, functions })
    }

    pub(crate) fn functions(&self, entry: &Crate) -> usize {
        self.functions[&entry.name]
    }

    /// What clippy and the compiler say about a crate, apart from its tests.
    pub(crate) fn lint(&self, entry: &Crate) -> Result<BTreeSet<Lint>> {
        let (succeeded, messages) =
            self.cargo(entry, &["clippy", "--quiet", "--lib"], &["--", "--cap-lints=warn"])?;
        let lints = messages.iter().filter_map(|message| {
            let message = &message["message"];
            let primary = |span: &&serde_json::Value| span["is_primary"] == true;
            let span = message["spans"].as_array()?.iter().find(primary)?;
            Some(Lint {
                name: message["code"]["code"].as_str()?.to_owned(),
                file: span["file_name"].as_str()?.trim_start_matches(self.kind).to_owned(),
                line: span["line_start"].as_u64()?,
            })
        });
        let lints = lints.collect();
        ensure!(succeeded, "clippy refuses `{}`: {lints:?}", entry.name);
        Ok(lints)
    }

    /// Runs a command of cargo for one crate, and gives back its messages.
    fn cargo(
        &self,
        entry: &Crate,
        command: &[&str],
        flags: &[&str],
    ) -> Result<(bool, Vec<serde_json::Value>)> {
        let mut cargo = Command::new("cargo");
        cargo
            .args(command)
            .arg("--message-format=json")
            .args(["--package", &entry.package(), "--features", &entry.features.join(",")])
            .args(flags)
            .current_dir(&self.directory)
            // What neither workspace changes is built once.
            .env("CARGO_TARGET_DIR", root().join("build"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .stderr(Stdio::inherit());
        let output = cargo.output()?;
        let messages = String::from_utf8(output.stdout)?;
        let messages = messages.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok((output.status.success(), messages))
    }

    /// Builds the tests of a crate. The error is what the compiler said.
    pub(crate) fn build(&self, entry: &Crate) -> Result<Result<Vec<TestBinary>, String>> {
        let (succeeded, messages) =
            self.cargo(entry, &["test", "--no-run", "--quiet", "--lib", "--tests"], &[])?;
        let mut errors = String::new();
        let mut binaries = Vec::new();
        for message in messages {
            if message["message"]["level"] == "error" {
                errors.push_str(message["message"]["rendered"].as_str().unwrap_or_default());
            }
            // Integration tests bring the crate's own programs along.
            if let Some(path) = message["executable"].as_str()
                && message["profile"]["test"] == true
            {
                let target = message["target"]["name"].as_str().context("a target has a name")?;
                let directory = self.directory.join(self.kind).join(&entry.name);
                binaries.push(TestBinary {
                    target: target.to_owned(),
                    path: path.into(),
                    directory,
                });
            }
        }
        match (succeeded, errors.is_empty()) {
            (true, _) => Ok(Ok(binaries)),
            (false, false) => Ok(Err(errors)),
            (false, true) => bail!("cargo cannot build `{}`", entry.name),
        }
    }
}

/// Where a lint speaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lint {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: u64,
}

/// A program with tests.
pub(crate) struct TestBinary {
    /// What cargo calls it: the file in `tests/`, or the library.
    pub(crate) target: String,
    pub(crate) path: PathBuf,
    /// Where it runs.
    pub(crate) directory: PathBuf,
}

/// Adds the runtime to the dependencies. Benchmarks go: they need much, and say nothing here.
fn manifest(text: &str) -> Result<String> {
    let mut manifest: Table = toml::from_str(text)?;
    manifest.remove("bench");
    manifest.remove("profile");
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../breaker-runtime");
    let mut dependency = Table::new();
    dependency.insert("path".into(), Value::String(runtime.display().to_string()));
    dependency.insert("features".into(), Value::Array(vec!["stream".into()]));
    if let Some(dev) = manifest.get_mut("dev-dependencies").and_then(Value::as_table_mut) {
        dev.remove("criterion");
    }
    let dependencies = manifest.entry("dependencies").or_insert_with(|| Value::Table(Table::new()));
    let dependencies = dependencies.as_table_mut().context("dependencies are a table")?;
    dependencies.insert("breaker-runtime".into(), Value::Table(dependency));
    Ok(toml::to_string(&manifest)?)
}

/// Copies a directory, with each text changed on the way.
fn copy(
    from: &Path,
    to: &Path,
    below: &Path,
    change: &mut impl FnMut(&str, String) -> Result<String>,
) -> Result<()> {
    for entry in fs::read_dir(from.join(below))? {
        let entry = entry?;
        let file = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(from, to, &file, change)?;
        } else if file != Path::new("Cargo.lock") {
            let bytes = fs::read(entry.path())?;
            let bytes = match String::from_utf8(bytes) {
                Ok(text) => change(&file.to_string_lossy(), text)?.into_bytes(),
                Err(binary) => binary.into_bytes(),
            };
            write(&to.join(&file), bytes)?;
        }
    }
    Ok(())
}

/// Writes a file, unless it is there with that content: cargo builds again what is new.
fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let content = content.as_ref();
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("a file is in a directory")?)?;
    fs::write(path, content).with_context(|| path.display().to_string())
}
