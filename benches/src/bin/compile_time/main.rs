//! What breaker costs while compiling: `cargo run -p breaker-benches --release --bin compile_time`.
//!
//! Name one of the tables to see it alone: `-- check`, `tokens`, `size`, `first` or `cold`. It generates crates in the target folder, and measures what cargo does with them. Leave the machine alone
//! meanwhile. The first run needs the network, for the libraries that breaker is compared with.

mod check;
mod cold;
mod expansion;
mod first;

mod package;
mod shape;
mod size;

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

/// Prints one table. Its folder is where it generates crates.
type Report = fn(&Path) -> Result<()>;
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = folder()?;
    let reports: [(&str, Report); 5] = [
        ("check", check::report),
        ("tokens", expansion::report),
        ("size", size::report),
        ("first", first::report),
        ("cold", cold::report),
    ];
    let wanted: Vec<_> = env::args().skip(1).collect();
    for (name, report) in reports {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            report(&folder)?;
        }
    }
    Ok(())
}

/// In the target folder, which holds this binary's profile, which holds this binary.
fn folder() -> Result<PathBuf> {
    let binary = env::current_exe()?;
    let target = binary.ancestors().nth(2).ok_or("the binary is in no target folder")?;
    Ok(target.join("compile-time"))
}
