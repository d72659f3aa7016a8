//! breaker side by side with the other circuit breakers of Rust.
//!
//! ```text
//! cargo bench -p breaker-peers                           # all, in about three minutes
//! cargo bench -p breaker-peers -- open                   # what has a word in its name that begins so
//! cargo bench -p breaker-peers -- --quick                # fewer and shorter rounds
//! cargo bench -p breaker-peers -- --markdown FILE        # into a file as well
//! ```
//!
//! Builds have link-time optimisation, as builds that are fast have. `CARGO_PROFILE_BENCH_LTO=off` before
//! the command leaves it out; with `CARGO_PROFILE_BENCH_LTO=false CARGO_PROFILE_BENCH_CODEGEN_UNITS=16` all
//! is built as cargo builds a release by default.
//!
//! # What is compared
//!
//! Every contender guards the same work, a function that fails if it is told to. Each call goes through a
//! function that is not inlined, and that finds its breaker in a static, as the contender's documentation has
//! its users do it: for breaker that is the annotated function itself. Errors are left as the contender
//! returns them. Where a peer cannot be used in the same way, the way that is the cheapest for it is taken,
//! and its legend says so. What it cannot do at all is shown as `-`.
//!
//! # How it is measured
//!
//! criterion runs each item in short turns, and all items take turns in several rounds, so that whatever
//! else the machine does hits all of them alike. A figure is the median over the rounds, of criterion's median
//! of the time of one call. criterion was preferred to divan because it hands its estimates out in a file;
//! divan only prints them. Neither relates one item to another, which is all that matters here, so
//! the table is our own.
//!
//! Ratios are to **fa**: what one uncontended relaxed `fetch_add` adds to the bare function, as costs are what a
//! breaker adds to it. A loop that does nothing but add is measured too, and takes a little less.
//!
//! Calls from several threads are counted in a fixed time, between a barrier and a flag. criterion would
//! give each thread a fixed number of calls, and then measure how long the last one is alone.
//!
//! # The map of the crate
//!
//! | to change | open |
//! |---|---|
//! | a contender: its config, its legend, what it can do | the file of its name; `ours.rs`, `baseline.rs` |
//! | tower services | `tower.rs` |
//! | what may be measured, and what a measurement has to show afterwards | `item.rs` |
//! | the loops that make the calls | `drive.rs` |
//! | how long, how often, and with what | `measure.rs` |
//! | rounds, and what is put together from them | `run.rs`, `results.rs` |
//! | which figures there should be | `targets.rs` |
//! | how tables look | `report.rs`, `table.rs` |

mod baseline;
mod breaker;
mod circuit_breaker;
mod circuitbreaker_rs;
mod drive;
mod failsafe;
mod item;
mod measure;
mod ours;
mod recloser;
mod report;
mod results;
mod ring;
mod run;
mod table;
mod targets;
mod tower;
mod tower_resilience;

pub use crate::item::{Answers, Contender, Group, Item, Side};
pub use crate::measure::Pace;
pub use crate::report::Report;
pub use crate::results::Results;
pub use crate::run::{Selection, run};

/// Everyone, in the order of the table.
#[must_use]
pub fn contenders() -> Vec<Contender> {
    vec![
        baseline::contender(),
        ours::contender(),
        recloser::contender(),
        ring::contender(),
        circuit_breaker::contender(),
        failsafe::contender(),
        breaker::contender(),
        circuitbreaker_rs::contender(),
        tower_resilience::contender(),
    ]
}
