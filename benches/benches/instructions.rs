//! Instructions per call over the same call of the bare function: a cost that is the same on every run.
//!
//! `cargo bench -p breaker-benches --bench instructions` counts them with callgrind in two builds: with the
//! `bench` profile, and with the `release` profile as users have it. It fails if a case is over its limit.
//! Alone, because another package could switch on features of `breaker-runtime` that cost.
//!
//! What it cannot see is time: under valgrind a clock is read by a system call, so of a read of the clock only
//! the call is counted.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The most instructions that a case may take over its bare twin.
struct Limit {
    case: &'static str,
    twin: &'static str,
    bench: f64,
    release: f64,
}

const LIMITS: [Limit; 9] = [
    Limit { case: "closed", twin: "bare", bench: 100.0, release: 150.0 },
    Limit { case: "closed-async", twin: "bare-async", bench: 150.0, release: 200.0 },
    Limit { case: "open", twin: "bare", bench: 400.0, release: 500.0 },
    Limit { case: "fallback-closure", twin: "bare", bench: 100.0, release: 150.0 },
    Limit { case: "fallback-path", twin: "bare", bench: 100.0, release: 150.0 },
    Limit { case: "time-window", twin: "bare", bench: 500.0, release: 600.0 },
    Limit { case: "slow-call", twin: "bare", bench: 500.0, release: 600.0 },
    Limit { case: "mixed", twin: "bare-mixed", bench: 200.0, release: 300.0 },
    Limit { case: "known-key", twin: "bare", bench: 1000.0, release: 1500.0 },
];

/// Enough that each window is full and each list has grown before the calls that are counted.
const CALLS: u32 = 10_000;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if cfg!(debug_assertions) {
        return Err("build it optimised: cargo bench -p breaker-benches --bench instructions".into());
    }
    let bench = Path::new(env!("CARGO_BIN_EXE_calls"));
    let release = built_as_users_do()?;
    println!("instructions per call: of the case, over its bare twin, and the most that may be\n");
    println!("{:<18}{:^27}{:^27}", "", "profile bench", "profile release");
    let mut is_over = false;
    for Limit { case, twin, bench: in_bench, release: in_release } in LIMITS {
        print!("{case:<18}");
        for (binary, limit) in [(bench, in_bench), (&release, in_release)] {
            let of_case = per_call(binary, case)?;
            let over = of_case - per_call(binary, twin)?;
            let mark = if over > limit { '!' } else { ' ' };
            is_over |= over > limit;
            print!("{of_case:>10.1}{over:>9.1}{limit:>7.0}{mark}");
        }
        println!();
    }
    if is_over {
        println!("\nwhat is marked ! is over its limit");
    }
    Ok(if is_over { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The cost of a call alone: what comes before the calls is the same however many there are.
fn per_call(binary: &Path, case: &str) -> Result<f64, Box<dyn Error>> {
    let extra = counted(binary, case, 2 * CALLS)? - counted(binary, case, CALLS)?;
    Ok(f64::from(extra) / f64::from(CALLS))
}

fn counted(binary: &Path, case: &str, calls: u32) -> Result<u32, Box<dyn Error>> {
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
fn built_as_users_do() -> Result<PathBuf, Box<dyn Error>> {
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
