//! What a return type such as `impl Fn(..)` says about the closure behind it.
//!
//! *Why it exists:* the compiler learns a closure's signature from the bounds of the `impl Trait` that it
//! becomes. Inside the function `impl Trait` is not allowed, so the compiler would have to guess. So the
//! body's value gets a type that an item with the same bounds names. That item cannot use the generics of the
//! function around it. Types that may be generic become type parameters of the item.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::visit::Visit;
use syn::{
    GenericArgument, GenericParam, Lifetime, Path, PathArguments, ReturnType, TraitBound, Type,
    TypeParamBound,
};

use crate::function::output::{is_primitive, peel_type};
use crate::spans::{call_at, ends, local, respan};

/// Types whose arguments may be of any type.
const UNBOUNDED: [&str; 8] = ["Result", "Option", "Box", "Pin", "Rc", "Arc", "Vec", "Poll"];

/// A local that knows the expected type of the body's value. `None` if the return type expects nothing, or
/// something that cannot be repeated in an item.
pub(super) fn expected(ty: &Type, rt: &TokenStream) -> Option<TokenStream> {
    let Type::ImplTrait(opaque) = peel_type(ty) else { return None };
    let mut lifted = Lifted::default();
    let bound = opaque.bounds.iter().find_map(|bound| lifted.expectation(bound))?;
    let Lifted { lifetimes, params, types, .. } = lifted;
    let (name, closure) = (local("expected"), quote! { __BreakerClosure });
    // Errors about the closure are reported at the return type.
    let (first, last) = ends(ty);
    let (begin, end) =
        (respan(quote! { #name::<_, }, first, first), respan(quote! { > }, last, last));
    let call = call_at(&quote! { #begin #(#types),* #end }, TokenStream::new(), last);
    Some(quote! {
        let #name = {
            fn #name<#(#lifetimes,)* #closure: #bound, #(#params),*>() -> #rt::Expected<#closure> {
                #rt::Expected::new()
            }
            #call
        };
    })
}

/// A bound while it is rewritten for the item.
#[derive(Default)]
struct Lifted {
    /// The lifetimes that a `for<..>` binds.
    bound: Vec<Lifetime>,
    /// The function's lifetimes that stay.
    lifetimes: Vec<Lifetime>,
    params: Vec<TokenStream>,
    /// The types that the parameters stand for.
    types: Vec<Type>,
}

impl Lifted {
    fn expectation(&mut self, bound: &TypeParamBound) -> Option<TokenStream> {
        let TypeParamBound::Trait(TraitBound { lifetimes: binder, path, .. }) = bound else {
            return None;
        };
        let names = binder.iter().flat_map(|binder| &binder.lifetimes);
        self.bound = names
            .filter_map(|name| match name {
                GenericParam::Lifetime(name) => Some(name.lifetime.clone()),
                _ => None,
            })
            .collect();
        let last = path.segments.last()?;
        let head = without_arguments(path);
        let PathArguments::Parenthesized(signature) = &last.arguments else { return None };
        let inputs = signature.inputs.iter().map(|input| self.ty(&input.ty));
        let inputs = inputs.collect::<Option<Vec<_>>>()?;
        let output = match &signature.output {
            ReturnType::Type(arrow, ty) => {
                let ty = self.ty(ty)?;
                Some(quote! { #arrow #ty })
            }
            ReturnType::Default => None,
        };
        Some(quote! { #binder #head(#(#inputs),*) #output })
    }

    /// The type as the item writes it.
    fn ty(&mut self, ty: &Type) -> Option<TokenStream> {
        let ty = peel_type(ty);
        match ty {
            ty if is_primitive(ty) || matches!(ty, Type::Never(_)) => Some(ty.to_token_stream()),
            ty if !self.must_stay(ty) => Some(self.param(ty, None)),
            Type::Reference(reference) => {
                let (lifetime, mutability) = (&reference.lifetime, &reference.mutability);
                self.keep(lifetime.as_ref());
                let elem = peel_type(&reference.elem);
                let elem = if is_primitive(elem) || self.must_stay(elem) {
                    self.ty(elem)?
                } else {
                    self.param(elem, Some(&quote! { : ?::core::marker::Sized }))
                };
                Some(quote! { &#lifetime #mutability #elem })
            }
            Type::Tuple(tuple) => {
                let elems = tuple.elems.iter().map(|elem| self.ty(elem));
                let elems = elems.collect::<Option<Vec<_>>>()?;
                Some(quote! { (#(#elems,)*) })
            }
            Type::Slice(slice) => {
                let elem = self.ty(&slice.elem)?;
                Some(quote! { [#elem] })
            }
            Type::TraitObject(object) => {
                let is_plain = |bound: &TypeParamBound| match bound {
                    TypeParamBound::Trait(bound) => has_no_arguments(&bound.path),
                    _ => false,
                };
                object.bounds.iter().all(is_plain).then(|| object.to_token_stream())
            }
            Type::Path(path) if path.qself.is_none() => self.path(&path.path),
            _ => None,
        }
    }

    /// A path that stays, because something in its arguments has to.
    fn path(&mut self, path: &Path) -> Option<TokenStream> {
        let last = path.segments.last()?;
        let head = without_arguments(path);
        if !has_no_arguments(&head) || head.segments.first()?.ident == "Self" {
            return None;
        }
        let PathArguments::AngleBracketed(angle) = &last.arguments else {
            return Some(path.to_token_stream());
        };
        let before = self.types.len();
        let arguments = angle.args.iter().map(|argument| match argument {
            GenericArgument::Lifetime(lifetime) => {
                self.keep(Some(lifetime));
                Some(lifetime.to_token_stream())
            }
            GenericArgument::Type(ty) => self.ty(ty),
            _ => None,
        });
        let arguments = arguments.collect::<Option<Vec<_>>>()?;
        // A type parameter may lack the bounds that the type requires.
        let may_stay =
            self.types.len() == before || UNBOUNDED.iter().any(|name| last.ident == name);
        may_stay.then(|| quote! { #head<#(#arguments),*> })
    }

    fn param(&mut self, ty: &Type, bound: Option<&TokenStream>) -> TokenStream {
        let name = format_ident!("__BreakerType{}", self.types.len());
        self.params.push(quote! { #name #bound });
        self.types.push(ty.clone());
        name.into_token_stream()
    }

    fn keep(&mut self, lifetime: Option<&Lifetime>) {
        let Some(lifetime) = lifetime else { return };
        let is_known = lifetime.ident == "static"
            || lifetime.ident == "_"
            || self.bound.contains(lifetime)
            || self.lifetimes.contains(lifetime);
        if !is_known {
            self.lifetimes.push(lifetime.clone());
        }
    }

    /// Whether no type parameter can stand for the type, because it holds a lifetime that is bound by
    /// `for<..>` or elided.
    fn must_stay(&self, ty: &Type) -> bool {
        let is_bare_object = |object: &syn::TypeTraitObject| {
            !object.bounds.iter().any(|bound| matches!(bound, TypeParamBound::Lifetime(_)))
        };
        match ty {
            Type::TraitObject(object) if is_bare_object(object) => true,
            Type::Path(path) if is_in_module(path) => true,
            ty => {
                let mut search = Search { lifted: self, is_elsewhere: false, found: false };
                search.visit_type(ty);
                search.found
            }
        }
    }
}

struct Search<'a> {
    lifted: &'a Lifted,
    /// The types of another function's signature, where an elided lifetime belongs to that function.
    is_elsewhere: bool,
    found: bool,
}

impl Search<'_> {
    fn elsewhere(&mut self, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.is_elsewhere, true);
        visit(self);
        self.is_elsewhere = before;
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        self.found |= reference.lifetime.is_none() && !self.is_elsewhere;
        syn::visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        let is_any = lifetime.ident == "_" && !self.is_elsewhere;
        self.found |= is_any || self.lifted.bound.contains(lifetime);
    }

    fn visit_parenthesized_generic_arguments(
        &mut self,
        signature: &'ast syn::ParenthesizedGenericArguments,
    ) {
        self.elsewhere(|search| {
            syn::visit::visit_parenthesized_generic_arguments(search, signature);
        });
    }

    fn visit_type_fn_ptr(&mut self, signature: &'ast syn::TypeFnPtr) {
        self.elsewhere(|search| syn::visit::visit_type_fn_ptr(search, signature));
    }
}

/// Whether the type is named through a module. Then it is no type parameter, and may have an elided lifetime.
fn is_in_module(ty: &syn::TypePath) -> bool {
    let first = ty.path.segments.first().map(|first| first.ident.to_string());
    let is_long = ty.path.leading_colon.is_some() || ty.path.segments.len() > 1;
    ty.qself.is_none()
        && is_long
        && has_no_arguments(&ty.path)
        && first.is_some_and(|first| !first.starts_with(char::is_uppercase))
}

fn has_no_arguments(path: &Path) -> bool {
    path.segments.iter().all(|segment| segment.arguments.is_none())
}

/// The path without the arguments of its last name.
fn without_arguments(path: &Path) -> Path {
    let mut head = path.clone();
    if let Some(last) = head.segments.last_mut() {
        last.arguments = PathArguments::None;
    }
    head
}
