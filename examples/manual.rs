//! A circuit without the attribute, on a clock that is moved by hand.
fn main() {}
