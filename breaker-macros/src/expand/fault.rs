//! Where a test may have something else happen than the body, and of which type its value is then.
//!
//! With feature `test-util` of the runtime, its macros ask for a fault of the test first. Without it, they are the
//! body and nothing else.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Type;
use syn::visit::Visit;

use super::Guard;
use crate::function::output::peel_type;
use crate::spans::local;

impl Guard<'_> {
    /// Runs a sync body that comes to a value.
    pub(super) fn replaceable(&self, out: &TokenStream) -> TokenStream {
        let Some(value) = self.replaced() else { return out.clone() };
        let (rt, permit) = (&self.rt, local("permit"));
        quote! { #rt::body!(#permit [#value] #out) }
    }

    /// The type of the value, or nothing if a test cannot make one. `None` if there is never a value.
    pub(super) fn replaced(&self) -> Option<TokenStream> {
        let output = &self.function.output;
        let ty = output.ty.as_ref()?;
        let can_be_made = match (&output.error, peel_type(ty)) {
            (Some(error), _) => self.is_closed(error),
            (None, Type::Path(path)) => {
                let is_option = path.path.segments.last().is_some_and(|it| it.ident == "Option");
                is_option || self.is_closed(ty)
            }
            (None, _) => false,
        };
        Some(if can_be_made { ty.to_token_stream() } else { TokenStream::new() })
    }

    /// Whether the type visibly borrows nothing and has no type parameter. A macro cannot see those of the `impl`
    /// around it, so all that look like one count.
    fn is_closed(&self, ty: &Type) -> bool {
        let mut search = Search { open: false };
        search.visit_type(ty);
        let generics = &self.function.signature.generics;
        let is_own = |ident: &syn::Ident| generics.type_params().any(|it| it.ident == *ident);
        !search.open && !mentions(ty.to_token_stream(), &is_own)
    }
}

fn mentions(tokens: TokenStream, is_it: &impl Fn(&syn::Ident) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => is_it(&ident),
        TokenTree::Group(group) => mentions(group.stream(), is_it),
        _ => false,
    })
}

/// Looks for what borrows, or may be a type parameter.
struct Search {
    open: bool,
}

impl<'ast> Visit<'ast> for Search {
    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        self.open |= lifetime.ident != "static";
    }

    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        self.open |= reference.lifetime.is_none();
        syn::visit::visit_type_reference(self, reference);
    }

    fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
        self.open = true;
    }

    fn visit_type_infer(&mut self, _: &'ast syn::TypeInfer) {
        self.open = true;
    }

    fn visit_type_macro(&mut self, _: &'ast syn::TypeMacro) {
        self.open = true;
    }

    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        let first = path.path.segments.first().map(|first| first.ident.to_string());
        let first = first.unwrap_or_default();
        let is_module = first.starts_with(char::is_lowercase);
        let is_parameter = first == "Self" || first == "Err" || !first.contains(char::is_lowercase);
        let is_projection = path.path.segments.len() > 1 && !is_module;
        let is_rooted = path.path.leading_colon.is_some();
        self.open |= path.qself.is_some() || !is_rooted && (is_parameter || is_projection);
        syn::visit::visit_type_path(self, path);
    }
}
