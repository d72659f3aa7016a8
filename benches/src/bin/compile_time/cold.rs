//! What it takes to build a user's crate for the first time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::package::{Package, Time, output_of, time_of};

const ROUNDS: usize = 2;

/// A library that a user may depend on.
struct Subject {
    title: &'static str,
    package: Package,
    crates: usize,
    fastest: Time,
}

pub(crate) fn report(folder: &Path) -> Result<()> {
    let mut subjects = [
        Subject::new(folder, "breaker-runtime", "breaker-user", &Package::breaker())?,
        Subject::new(folder, "failsafe 1.3", "failsafe-user", r#"failsafe = "1.3""#)?,
        Subject::new(
            folder,
            "tower-resilience-circuitbreaker 0.14",
            "tower-user",
            r#"tower-resilience-circuitbreaker = "0.14""#,
        )?,
    ];
    let target = folder.join("cold");
    for _ in 0..ROUNDS {
        for subject in &mut subjects {
            if target.exists() {
                fs::remove_dir_all(&target)?;
            }
            let mut build = subject.package.cargo("build");
            let time = time_of(build.arg("--target-dir").arg(&target))?;
            let fastest = &mut subject.fastest;
            fastest.wall = fastest.wall.min(time.wall);
            fastest.cpu = fastest.cpu.min(time.cpu);
        }
    }
    println!("first cargo build of a crate that depends on it, the faster of {ROUNDS}");
    println!("{:<42}{:>10}{:>14}{:>14}", "", "crates", "build", "processor");
    for Subject { title, crates, fastest, .. } in subjects {
        let [wall, cpu] = [fastest.wall, fastest.cpu].map(|time| time.as_secs_f64());
        println!("{title:<42}{crates:>10}{wall:>12.1} s{cpu:>12.1} s");
    }
    Ok(())
}

impl Subject {
    fn new(folder: &Path, title: &'static str, name: &str, dependency: &str) -> Result<Self> {
        let package = Package::new(folder, name, dependency)?;
        // Downloads are no part of the build.
        output_of(&mut package.cargo("fetch"))?;
        let crates = crates(&package)?;
        Ok(Self {
            title,
            package,
            crates,
            fastest: Time { wall: Duration::MAX, cpu: Duration::MAX },
        })
    }
}

/// How many crates are built besides the user's own.
fn crates(package: &Package) -> Result<usize> {
    let mut tree = package.cargo("tree");
    tree.args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let tree = output_of(&mut tree)?;
    // A crate that was shown before is marked at the end of its line.
    let all: BTreeSet<_> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(all.len() - 1)
}
