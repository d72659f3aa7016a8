//! Instructions per call over the same call of the bare function: a cost that is the same on every run.
//!
//! `cargo bench -p breaker-benches --bench instructions` counts them with callgrind in two builds: with the
//! `bench` profile, and with the `release` profile as users have it. It fails if a case is over its limit.
//! Alone, because another package could switch on features of `breaker-runtime` that cost.
//!
//! What it cannot see is time: under valgrind a clock is read by a system call, so of a read of the clock only
//! the call is counted.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

type Failed = Box<dyn Error + Send + Sync>;

/// The most instructions that a case may take over its bare twin.
struct Limit {
    case: &'static str,
    twin: &'static str,
    bench: u32,
    release: u32,
}

/// Joining a fleet waits for time to pass, so it does not take the same on every run. Over many calls, that is one
/// instruction of a call or less.
const NOTHING: u32 = 2;

const LIMITS: [Limit; 17] = [
    Limit { case: "closed", twin: "bare", bench: 38, release: 48 },
    Limit { case: "closed-async", twin: "bare-async", bench: 66, release: 70 },
    Limit { case: "open", twin: "bare", bench: 130, release: 170 },
    Limit { case: "open-heard", twin: "bare", bench: 640, release: 720 },
    Limit { case: "closed-fleet", twin: "closed", bench: NOTHING, release: NOTHING },
    Limit { case: "closed-fleet-away", twin: "closed", bench: NOTHING, release: NOTHING },
    Limit { case: "open-fleet", twin: "open", bench: NOTHING, release: NOTHING },
    Limit { case: "open-fleet-away", twin: "open", bench: NOTHING, release: NOTHING },
    Limit { case: "open-for", twin: "bare", bench: 40, release: 68 },
    Limit { case: "fallback-closure", twin: "bare", bench: 38, release: 46 },
    Limit { case: "fallback-path", twin: "bare", bench: 38, release: 46 },
    Limit { case: "time-window", twin: "bare", bench: 140, release: 150 },
    Limit { case: "slow-call", twin: "bare", bench: 220, release: 275 },
    Limit { case: "hung-after", twin: "bare", bench: 356, release: 402 },
    Limit { case: "one-in-ten-fails", twin: "bare-one-in-ten", bench: 130, release: 158 },
    Limit { case: "probe", twin: "bare", bench: 800, release: 880 },
    Limit { case: "known-key", twin: "bare", bench: 160, release: 290 },
];

/// Enough that each window is full and each list has grown before the calls that are counted.
const CALLS: u32 = 10_000;

fn main() -> Result<(), Failed> {
    if cfg!(debug_assertions) {
        return Err("not optimised: run cargo bench -p breaker-benches --bench instructions".into());
    }
    let bench = Path::new(env!("CARGO_BIN_EXE_calls"));
    let release = built_as_users_do()?;
    let (bench, release) = thread::scope(|scope| {
        let beside = scope.spawn(|| all_cases(&release));
        (all_cases(bench), beside.join().expect("it does not panic"))
    });
    let (bench, release) = (bench?, release?);
    println!("instructions of a call, over its bare twin, and the most that may be over it\n");
    println!("{:<18}{:>26}{:>28}", "", "profile bench", "profile release");
    println!(
        "{:<18}{:>10}{:>9}{:>7}{:>12}{:>9}{:>7}",
        "", "call", "over", "limit", "call", "over", "limit"
    );
    let mut too_many = 0;
    for row in LIMITS {
        print!("{:<18}", row.case);
        for (cost, limit) in [(&bench, row.bench), (&release, row.release)] {
            let of_case = cost[row.case];
            let over = of_case - cost[row.twin];
            let is_too_many = over > f64::from(limit);
            too_many += u32::from(is_too_many);
            print!("{of_case:>10.1}{over:>9.1}{limit:>7} {}", if is_too_many { '!' } else { ' ' });
        }
        println!();
    }
    if too_many > 0 {
        return Err(format!("{too_many} marked ! are over their limits").into());
    }
    Ok(())
}

/// What a call of each case and of each twin costs.
fn all_cases(binary: &Path) -> Result<BTreeMap<&'static str, f64>, Failed> {
    let mut cost = BTreeMap::new();
    for case in LIMITS.iter().flat_map(|row| [row.case, row.twin]) {
        if !cost.contains_key(case) {
            cost.insert(case, per_call(binary, case)?);
        }
    }
    Ok(cost)
}

/// The cost of a call alone: what comes before the calls is the same however many there are.
fn per_call(binary: &Path, case: &str) -> Result<f64, Failed> {
    let extra = counted(binary, case, 2 * CALLS)? - counted(binary, case, CALLS)?;
    Ok(f64::from(extra) / f64::from(CALLS))
}

fn counted(binary: &Path, case: &str, calls: u32) -> Result<u32, Failed> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .args([case, &calls.to_string()])
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => "valgrind is not installed: apt-get install valgrind".to_owned(),
            _ => format!("valgrind does not run: {error}"),
        })?;
    let said = String::from_utf8(run.stderr)?;
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    match collected {
        Some((_, counted)) if run.status.success() => Ok(counted.trim().parse()?),
        _ => Err(format!("valgrind counted nothing in `{case}`:\n{said}").into()),
    }
}

/// The binary in the profile that a user's `cargo build --release` has.
fn built_as_users_do() -> Result<PathBuf, Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("users");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--package", "breaker-benches", "--bin", "calls"])
        .arg("--target-dir")
        .arg(&folder)
        .status()?;
    if !built.success() {
        return Err("the release build failed".into());
    }
    Ok(folder.join("release").join("calls"))
}
