//! Says how many bytes one thing takes. One figure per process: nothing else is counted with it.

mod figures;
mod heap;

use std::env;
use std::process::ExitCode;

use figures::FIGURES;

fn main() -> ExitCode {
    let name = env::args().nth(1).unwrap_or_default();
    if let Some(figure) = FIGURES.iter().find(|figure| figure.name == name) {
        println!("{}", (figure.bytes)());
        return ExitCode::SUCCESS;
    }
    eprintln!("usage: memory FIGURE, where FIGURE is one of");
    for figure in FIGURES {
        eprintln!("    {}", figure.name);
    }
    ExitCode::FAILURE
}
