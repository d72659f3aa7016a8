//! What the attribute makes of attributes and functions.

mod expansions;
mod odd_input;
mod values;
