//! Every option of a circuit breaker, declared once.
//!
//! *Why it exists:* the same options are written in an attribute, in code, in text, in a file and on a page. They
//! must have the same names, limits, defaults and error messages in all of them. The attribute is checked by a
//! procedural macro, which cannot depend on the run-time crate, so the table is a small crate of its own.
//!
//! This crate is an implementation detail of `breaker-runtime` and `breaker-macros`. Its API can change in any
//! release.

mod name;
mod table;
mod takes;
mod value;
mod words;

pub use crate::name::{LONGEST_NAME, problem_of_name};
pub use crate::table::{BOUNDS, Bound, Entry, OPTIONS, Scope};
pub use crate::takes::Takes;
pub use crate::value::{Value, duration, exact};
pub use crate::words::{find, meant, nearest, unknown};
