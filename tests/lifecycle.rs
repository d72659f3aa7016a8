//! Circuits at the edges of a program's life: before `main` has done anything, while threads and runtimes are
//! taken down, after a fork, and on clocks that go back.
//!
//! What could take the whole process with it runs in one of its own: a test that is ignored, started by the
//! one that has its name.

mod common;
#[path = "common/process.rs"]
mod process;

#[path = "lifecycle/clocks.rs"]
mod clocks;
#[cfg(unix)]
#[path = "lifecycle/forks.rs"]
mod forks;
#[path = "lifecycle/programs.rs"]
mod programs;
#[path = "lifecycle/runtimes.rs"]
mod runtimes;
#[path = "lifecycle/statics.rs"]
mod statics;
#[path = "lifecycle/threads.rs"]
mod threads;
