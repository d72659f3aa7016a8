//! The arguments on their way: into the body as they were, and kept for the fallback where it needs them.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{Attribute, FnArg, Signature};

use super::Guard;
use crate::function::Receiver;
use crate::function::argument::{Argument, Keeping, Name, unchanging};
use crate::function::output::Flavor;
use crate::spans::{call_at, local, respan};
use crate::spec::fallback::Fallback;

/// The copy of an argument that the body gets when the fallback may need the argument later.
fn lent(argument: &Argument) -> Ident {
    local(&format!("lent_{}", argument.ident.unraw()))
}

impl Guard<'_> {
    /// The function's signature: as written, but for patterns whose argument is needed whole, and for `mut`
    /// where the body has another binding.
    pub(super) fn signature(&self) -> Signature {
        let mut signature = self.function.signature.clone();
        let typed = signature.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        for (typed, argument) in typed.zip(&self.function.arguments) {
            if !self.is_bound_again(argument) {
                continue;
            }
            let is_cfg =
                |attr: &Attribute| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr");
            typed.attrs.retain(is_cfg);
            *typed.pat = if self.is_renamed(argument) {
                let Argument { ident, .. } = argument;
                syn::parse_quote! { #ident }
            } else {
                unchanging(&argument.pattern)
            };
        }
        signature
    }

    /// Whether the argument has a name in the signature instead of its pattern: where it is needed whole, or
    /// where the pattern leaves something to drop unbound.
    pub(super) fn is_renamed(&self, argument: &Argument) -> bool {
        let whole = self.is_lent(argument)
            || self.function.is_called_inside()
            || matches!(self.spec.fallback, Some(Fallback::Path(_)));
        !argument.is_plain() && (whole || !argument.is_bound_whole())
    }

    /// Whether the body has a binding of its own, so that the argument is dropped before the call is settled.
    fn is_bound_again(&self, argument: &Argument) -> bool {
        !(self.function.runs_in_place() || self.is_captured_whole(argument))
            || !argument.is_dropless
            || self.is_lent(argument)
            || self.is_renamed(argument)
    }

    /// Whether the future of an `async fn`'s body holds the argument as it is, so that a binding would only hold
    /// it once more. What is `mut` needs one: it may come to borrow from the body.
    fn is_captured_whole(&self, argument: &Argument) -> bool {
        let is_mutable = argument.names.iter().any(|name| name.is_mutable);
        self.function.flavor == Flavor::Async
            && !self.borrows_self()
            && argument.is_plain()
            && !is_mutable
    }

    /// `let argument = argument;` in the order of declaration: the body then owns them as the function did,
    /// drops them in the same order, and may take them apart.
    pub(super) fn rebinds(&self) -> TokenStream {
        let arguments = self.function.arguments.iter();
        arguments
            .filter(|argument| self.is_bound_again(argument))
            .map(|argument| self.rebind(argument))
            .collect()
    }

    fn rebind(&self, argument: &Argument) -> TokenStream {
        let Argument { attrs, pattern, names, .. } = argument;
        let from = self.source(argument);
        // Whoever names an argument in the fallback or the key alone has used it.
        let used = self.spec.fallback.as_ref().is_some_and(|fallback| fallback.mentions(argument))
            || self.is_in_key(argument);
        let allow = used.then(|| quote! { #[allow(unused_variables)] });
        let underscored = names.iter().any(|name| name.ident.to_string().starts_with('_'));
        let underscored = underscored.then(|| {
            quote! { #[allow(clippy::used_underscore_binding, clippy::no_effect_underscore_binding)] }
        });
        let allow = quote! { #allow #underscored };
        if argument.is_plain() {
            return quote! { #allow #(#attrs)* let #pattern = #from; };
        }
        if self.is_renamed(argument) {
            // The pattern must first own what it takes apart.
            let mutability = argument.borrows_mutably().then(|| quote! { mut });
            return quote! {
                #(#attrs)* let #mutability #from = #from;
                #allow #(#attrs)* let #pattern = #from;
            };
        }
        let names = names.iter().map(|Name { ident, is_mutable, .. }| {
            let mutability = is_mutable.then(|| quote! { mut });
            quote! { #allow #(#attrs)* let #mutability #ident = #ident; }
        });
        names.collect()
    }

    /// What must be copied so that the fallback still has it when the body has failed.
    pub(super) fn lends(&self) -> TokenStream {
        let rt = &self.rt;
        let arguments = self.function.arguments.iter().filter(|argument| self.is_lent(argument));
        let lends = arguments.map(|argument| {
            let (attrs, ident, lent) = (&argument.attrs, &argument.ident, lent(argument));
            let attrs = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
            let span = argument.names.first().map_or(ident.span(), |name| name.ident.span());
            let copy = match argument.keeping {
                Keeping::Reborrow => quote! { &mut *#ident },
                _ => respan(quote! { #rt::keep(&#ident) }, span, span),
            };
            quote! { #(#attrs)* let #lent = #copy; }
        });
        lends.collect()
    }

    /// An owned `self` cannot be lent, as the body cannot be told another name for it: here the fallback
    /// gets the copy.
    pub(super) fn keeps_self(&self) -> Option<TokenStream> {
        let owned = self.function.receiver == Some(Receiver::Owned);
        let span = self.function.self_span().filter(|_| owned && self.lends_self())?;
        let (rt, kept) = (&self.rt, local("kept_self"));
        let (own, at) = (self.own_self(), |tokens| respan(tokens, span, span));
        let (keep, shared) = (at(quote! { #rt::keep }), at(quote! { & }));
        let copy = call_at(&keep, quote! { #shared #own }, span);
        Some(quote! { let #kept = #copy; })
    }

    /// What the body's argument is made from.
    pub(super) fn source(&self, argument: &Argument) -> Ident {
        if self.is_lent(argument) { lent(argument) } else { argument.ident.clone() }
    }

    pub(super) fn is_lent(&self, argument: &Argument) -> bool {
        argument.keeping != Keeping::Copy
            && self.may_follow_the_body()
            && self.spec.fallback.as_ref().is_some_and(|fallback| fallback.mentions(argument))
    }

    /// Whether the fallback can run after the body has used the arguments.
    pub(super) fn may_follow_the_body(&self) -> bool {
        let eager = self.function.returns_future();
        self.spec.fallback.is_some() && (eager || !self.spec.only_rejected)
    }

    pub(super) fn lends_self(&self) -> bool {
        self.may_follow_the_body()
            && self.spec.fallback.as_ref().is_some_and(Fallback::mentions_self)
    }

    pub(super) fn kept_self(&self, receiver: Receiver) -> TokenStream {
        match receiver {
            Receiver::Owned if self.lends_self() => local("kept_self").to_token_stream(),
            _ => self.own_self().to_token_stream(),
        }
    }

    /// `move`, unless the fallback needs the exclusive `self` back, which the body then only borrows.
    pub(super) fn capture_keyword(&self) -> Option<TokenStream> {
        (!self.borrows_self()).then(|| quote! { move })
    }

    pub(super) fn borrows_self(&self) -> bool {
        self.function.receiver == Some(Receiver::Exclusive) && self.lends_self()
    }

    /// Captures `self` whole: since edition 2021 a closure would take its fields one by one.
    pub(super) fn captures_self(&self) -> Option<TokenStream> {
        let whole = self.function.receiver.is_some()
            && !self.borrows_self()
            && !self.function.runs_in_place();
        let own = self.own_self();
        whole.then(|| quote! { let _ = &#own; })
    }

    /// `self` as the user wrote it: made by a macro, it is no other.
    pub(super) fn own_self(&self) -> Option<syn::Token![self]> {
        self.function.signature.receiver().map(|receiver| receiver.self_token)
    }
}
