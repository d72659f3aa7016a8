//! A program that gives a circuit of its library another config (R22). Its crate comes before the library's in the
//! order of names, so the program decides, though the library is called first.

use breaker_programs::{Fault, answer, of_the_library};
use breaker_runtime::{Site, State, circuit_breaker, registry};

#[circuit_breaker(name = "shared", failure_threshold = 9)]
fn of_the_program(works: bool) -> Result<(), Fault> {
    answer(works)
}

fn main() {
    let circuit = registry().get("shared").expect("both are annotated");
    for _ in 0..8 {
        assert_eq!(of_the_library(false), Err(Fault::Down));
    }
    assert_eq!((of_the_program(false), circuit.state()), (Err(Fault::Down), State::Open));

    let conflicts = registry().conflicts();
    assert_eq!(conflicts.len(), 1);
    println!(
        "decided by {}, not {}",
        conflicts[0].decided.site.map_or("nobody", Site::function),
        conflicts[0].refused.site.map_or("nobody", Site::function)
    );
}
