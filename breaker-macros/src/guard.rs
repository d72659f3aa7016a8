//! The steps of the attribute.

use proc_macro2::TokenStream;
use quote::quote;

use crate::args::Args;
use crate::expand::expand;
use crate::function::Function;
use crate::spec::Spec;

/// Parses, checks and expands. Errors come with the original function, so that its callers still compile.
pub(crate) fn guard(args: TokenStream, item: &TokenStream) -> TokenStream {
    match Spec::check(Args::parse(args), Function::parse(item)) {
        Ok((spec, function)) => expand(&spec, &function),
        Err(errors) => {
            let errors = errors.to_compile_error();
            quote! { #item #errors }
        }
    }
}
