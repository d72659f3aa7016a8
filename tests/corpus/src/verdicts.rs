//! Runs the tests of a crate, bare and guarded, and compares what each test says.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::build::{TestBinary, Workspace};
use crate::corpus::{Corpus, Crate};

/// How long the tests of one binary may take.
const LIMIT: Duration = Duration::from_secs(180);

/// What each test said: `ok`, `FAILED`, or `ignored`.
type Verdicts = BTreeMap<String, String>;

/// What became of one crate.
pub(crate) struct Report {
    name: String,
    functions: usize,
    tests: usize,
    /// Tests that say something else, by name, without known ones.
    changed: Vec<String>,
    /// Known limits that are none any more.
    mended: Vec<String>,
    /// Why the guarded crate does not compile.
    errors: Option<String>,
}

pub(crate) fn compare(
    corpus: &Corpus,
    entry: &Crate,
    bare: &Workspace,
    guarded: &Workspace,
) -> Result<Report> {
    let mut report = Report {
        name: format!("{} {}", entry.name, entry.version),
        functions: guarded.functions(entry),
        tests: 0,
        changed: Vec::new(),
        mended: Vec::new(),
        errors: None,
    };
    let built = bare.build(entry)?;
    let built = built
        .map_err(|errors| anyhow::anyhow!("{} does not compile bare:\n{errors}", entry.name))?;
    let before = run(entry, &built)?;
    report.tests = before.len();
    match guarded.build(entry)? {
        Ok(built) => report.note(&before, &run(entry, &built)?, &corpus.changed_tests(entry)),
        Err(errors) => report.errors = Some(errors),
    }
    Ok(report)
}

impl Report {
    pub(crate) fn is_as_known(&self) -> bool {
        self.changed.is_empty() && self.mended.is_empty() && self.errors.is_none() && self.tests > 0
    }

    fn note(&mut self, before: &Verdicts, after: &Verdicts, known: &[&str]) {
        let missing = "did not finish".to_owned();
        for (test, bare) in before {
            let guarded = after.get(test).unwrap_or(&missing);
            match (bare == guarded, known.contains(&test.as_str())) {
                (false, false) => self.changed.push(format!("{test}: {bare}, guarded {guarded}")),
                (true, true) => self.mended.push(test.clone()),
                _ => {}
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, functions, tests, changed, mended, errors } = self;
        if let Some(errors) = errors {
            return write!(f, "{errors}\n{name}: {functions} functions, does not compile");
        }
        write!(
            f,
            "{name}: {functions} functions, {tests} tests, {} verdicts changed",
            changed.len()
        )?;
        for test in changed {
            write!(f, "\n    {test}")?;
        }
        for test in mended {
            write!(f, "\n    {test} is no limit any more: take it off crates.toml")?;
        }
        Ok(())
    }
}

fn run(entry: &Crate, binaries: &[TestBinary]) -> Result<Verdicts> {
    let mut verdicts = Verdicts::new();
    for binary in binaries {
        for line in output(entry, binary)?.lines() {
            // A test that must panic is shown as `test name - should panic ... ok`.
            if let Some((test, verdict)) =
                line.strip_prefix("test ").and_then(|line| line.split_once(" ... "))
            {
                let verdict = verdict.split([',', ' ']).next().unwrap_or_default();
                verdicts.insert(format!("{}::{test}", binary.target), verdict.to_owned());
            }
        }
    }
    Ok(verdicts)
}

/// What the tests print. They are stopped when they take too long.
fn output(entry: &Crate, binary: &TestBinary) -> Result<String> {
    let mut tests = Command::new(&binary.path)
        .args(entry.skip.iter().flat_map(|test| ["--skip", test]))
        .current_dir(&binary.directory)
        .env("CARGO_MANIFEST_DIR", &binary.directory)
        // Of a property that holds, three cases tell as much here as a hundred, which take minutes.
        .env("QUICKCHECK_TESTS", "3")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| binary.path.display().to_string())?;
    let mut stdout = tests.stdout.take().context("standard output is piped")?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.read_to_end(&mut bytes);
        read.map(|_| String::from_utf8_lossy(&bytes).into_owned())
    });
    let begun = Instant::now();
    while tests.try_wait()?.is_none() {
        if begun.elapsed() > LIMIT {
            tests.kill()?;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))??)
}
