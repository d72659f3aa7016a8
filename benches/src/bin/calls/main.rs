//! Makes so many calls of one case and does nothing else, for tools that count what a process does.

mod cases;
mod fleet;

use std::env;
use std::process::ExitCode;

use cases::CASES;

fn main() -> ExitCode {
    let mut words = env::args().skip(1);
    let case = words.next().and_then(|name| CASES.iter().find(|case| case.name == name));
    let calls = words.next().and_then(|calls| calls.parse().ok());
    if let (Some(case), Some(calls)) = (case, calls) {
        (case.run)(calls);
        return ExitCode::SUCCESS;
    }
    eprintln!("usage: calls CASE NUMBER, where CASE is one of");
    for case in CASES {
        eprintln!("    {}", case.name);
    }
    ExitCode::FAILURE
}
