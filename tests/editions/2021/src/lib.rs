//! The attribute in a crate of edition 2021: the same functions as everywhere.

#[cfg(test)]
#[allow(clippy::all, clippy::pedantic)]
#[path = "../../../functions/shapes.rs"]
mod shapes;
