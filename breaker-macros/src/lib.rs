//! The `#[circuit_breaker]` attribute.
//!
//! Use it through `breaker-runtime`, which re-exports it and documents it: what it generates calls that
//! crate.

mod args;
mod argument;
mod expand;
mod fallback;
mod options;
mod output;
mod signature;
mod spans;
mod spec;
#[cfg(test)]
mod tests;
mod value;

use proc_macro2::TokenStream;

/// Guards a function with a circuit breaker. Documented on `breaker_runtime::circuit_breaker`.
#[proc_macro_attribute]
pub fn circuit_breaker(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    guard(args.into(), &item.into()).into()
}

/// Parses, checks and expands. On a mistake the errors come with the function as it was written, so that
/// its callers see no error of their own.
fn guard(args: TokenStream, item: &TokenStream) -> TokenStream {
    let args = args::Args::parse(args);
    let function = signature::Function::parse(item);
    match spec::Spec::check(args, function) {
        Ok((spec, function)) => expand::expand(&spec, &function),
        Err(errors) => {
            let errors = errors.to_compile_error();
            quote::quote! { #item #errors }
        }
    }
}
