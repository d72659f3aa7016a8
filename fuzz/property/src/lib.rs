//! Stands for `proptest`, so that properties of the unit tests run on the bytes of a fuzzer.
//!
//! Here a property is no test of many random cases. It is a function that draws one case from a [`Source`],
//! a few bytes for each choice, so that a small change of the bytes is a small change of the case. Proptest
//! can read bytes too, but each of its alternatives halves what is left. What is here is what is used.

pub mod collection;
mod macros;
pub mod option;
pub mod sample;
mod strategy;

pub use crate::strategy::{Failed, OneOf, Source, Strategy};

/// What the properties import.
pub mod prelude {
    pub use crate::strategy::{Just, Strategy, any};
    pub use crate::{prop_assert, prop_assert_eq, prop_compose, prop_oneof, proptest};
}
