//! The attribute as a function from tokens to tokens.
//!
//! A crate of procedural macros exports nothing else, so its modules are included here. A module that is
//! new there is missed here by name when this is built.

/// Every option, as the attribute knows them.
pub use breaker_options::OPTIONS;
use proc_macro2::TokenStream;

#[path = "../../../breaker-macros/src"]
mod modules {
    pub(crate) mod args;
    pub(crate) mod expand;
    pub(crate) mod function;
    pub(crate) mod guard;
    pub(crate) mod spans;
    pub(crate) mod spec;
}

// Where they look for each other.
use modules::{args, expand, function, guard, spans, spec};

/// What the attribute makes of its arguments and of what it stands on.
#[must_use]
pub fn circuit_breaker(args: TokenStream, item: &TokenStream) -> TokenStream {
    guard::guard(args, item)
}
