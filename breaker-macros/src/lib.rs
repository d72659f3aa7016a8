//! The `#[circuit_breaker]` attribute.
//!
//! Use it through `breaker-runtime`, which re-exports it and documents it: what it generates calls that
//! crate.

mod args;
mod argument;
mod exits;
mod expand;
mod fallback;
mod guard;
mod output;
mod signature;
mod spans;
mod spec;
#[cfg(test)]
mod tests;
mod value;

/// Guards a function with a circuit breaker. Documented on `breaker_runtime::circuit_breaker`.
#[proc_macro_attribute]
pub fn circuit_breaker(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    guard::guard(args.into(), &item.into()).into()
}
