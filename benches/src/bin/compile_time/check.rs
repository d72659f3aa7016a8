//! How much longer `cargo check` takes when functions are annotated.

use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::package::{Package, Time, time_of};
use crate::shape::{Attribute, SHAPES, source};

const FUNCTIONS: u16 = 200;
const ROUNDS: usize = 7;

/// A crate whose check is timed.
struct Subject {
    package: Package,
    source: String,
    times: Vec<Time>,
}

pub(crate) fn report(folder: &Path) -> Result<()> {
    println!("cargo check of a crate with {FUNCTIONS} functions, median of {ROUNDS} rounds");
    println!("{:<32}{:>10}{:>10}{:>14}", "", "bare", "guarded", "a function");
    for (title, incremental) in
        [("with nothing to reuse", "0"), ("after a touch, incremental", "1")]
    {
        let subjects = subjects(folder, incremental)?;
        print(title, subjects.each_ref().map(|subject| subject.median(|time| time.wall)));
        print("  time of the processor", subjects.each_ref().map(|it| it.median(|time| time.cpu)));
    }
    println!();
    Ok(())
}

fn print(title: &str, [bare, guarded]: [Duration; 2]) {
    let each = guarded.saturating_sub(bare).as_secs_f64() * 1e3 / f64::from(FUNCTIONS);
    let (bare, guarded) = (bare.as_secs_f64(), guarded.as_secs_f64());
    println!("{title:<32}{bare:>8.2} s{guarded:>8.2} s{each:>11.2} ms");
}

fn subjects(folder: &Path, incremental: &str) -> Result<[Subject; 2]> {
    let mut subjects = [
        Subject::new(folder, "bare", Attribute::Absent)?,
        Subject::new(folder, "guarded", Attribute::Present)?,
    ];
    let target = folder.join("check");
    // The first round builds the dependencies.
    for round in 0..=ROUNDS {
        for subject in &mut subjects {
            subject.package.write(&subject.source)?;
            let mut check = subject.package.cargo("check");
            check.arg("--target-dir").arg(&target).env("CARGO_INCREMENTAL", incremental);
            let time = time_of(&mut check)?;
            if round > 0 {
                subject.times.push(time);
            }
        }
    }
    Ok(subjects)
}

impl Subject {
    fn new(folder: &Path, name: &str, attribute: Attribute) -> Result<Self> {
        let package = Package::new(folder, name, &Package::breaker())?;
        let of_each = usize::from(FUNCTIONS) / SHAPES.len();
        Ok(Self { package, source: source(&SHAPES, of_each, attribute), times: Vec::new() })
    }

    fn median(&self, of: impl Fn(&Time) -> Duration) -> Duration {
        let mut times: Vec<_> = self.times.iter().map(of).collect();
        times.sort();
        times[ROUNDS / 2]
    }
}
