//! The `#[circuit_breaker]` attribute.
//!
//! Use it through `breaker-runtime`, which re-exports and documents it. The generated code calls that crate.

mod args;
mod expand;
mod function;
mod guard;
mod spans;
mod spec;
#[cfg(test)]
mod tests;

/// Guards a function with a circuit breaker. Documented on `breaker_runtime::circuit_breaker`.
#[proc_macro_attribute]
pub fn circuit_breaker(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    guard::guard(args.into(), &item.into()).into()
}
