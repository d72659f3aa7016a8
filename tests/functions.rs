//! What an annotated function keeps of itself, with no lint that it did not have before.
#![deny(warnings, clippy::pedantic, clippy::nursery)]
// What the functions themselves are guilty of, with and without the attribute.
#![allow(
    clippy::double_must_use,
    clippy::future_not_send,
    clippy::many_single_char_names,
    clippy::missing_const_for_fn,
    clippy::needless_pass_by_ref_mut,
    clippy::needless_pass_by_value,
    clippy::redundant_pattern,
    clippy::toplevel_ref_arg,
    clippy::unnecessary_to_owned,
    clippy::unnecessary_wraps,
    clippy::uninlined_format_args,
    clippy::unused_async
)]

#[path = "functions/shapes.rs"]
mod shapes;
