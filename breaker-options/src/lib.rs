//! Every option of a circuit breaker, declared once.
//!
//! *Why it exists:* people write the same options in an attribute, in code, in text, in a file and on a page.
//! Their names, limits, defaults and error messages must be the same everywhere. A procedural macro checks
//! the attribute, and it cannot depend on the runtime crate. So the table is a crate that both use.
//!
//! This crate is an implementation detail of `breaker-runtime` and `breaker-macros`. Its API can change in
//! any release.

mod hidden;
mod name;
mod table;
mod takes;
mod value;
mod words;

pub use crate::hidden::is_hidden;
pub use crate::name::{LONGEST_NAME, problem_of_name};
pub use crate::table::{BOUNDS, Bound, Entry, OPTIONS, Scope};
pub use crate::takes::Takes;
pub use crate::value::{MODES, POLICIES, Value, duration, exact};
pub use crate::words::{find, hint, meant, nearest, setting, unknown};
