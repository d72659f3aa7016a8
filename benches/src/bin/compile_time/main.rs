//! What breaker costs while compiling: `cargo run -p breaker-benches --release --bin compile_time`.
//!
//! It generates crates in the target folder, and measures what cargo does with them. Leave the machine alone
//! meanwhile. The first run needs the network, for the libraries that breaker is compared with.

mod check;
mod cold;
mod expansion;

mod package;
mod shape;

use std::env;
use std::error::Error;
use std::path::PathBuf;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = folder()?;
    check::report(&folder)?;
    expansion::report(&folder)?;
    cold::report(&folder)
}

/// In the target folder, which holds this binary's profile, which holds this binary.
fn folder() -> Result<PathBuf> {
    let binary = env::current_exe()?;
    let target = binary.ancestors().nth(2).ok_or("the binary is in no target folder")?;
    Ok(target.join("compile-time"))
}
