//! Arguments: how they get into the body unchanged, and which are kept for the fallback.

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

/// The copy of an argument for the body, if the fallback may need the original later.
fn lent(argument: &Argument) -> Ident {
    local(&format!("lent_{}", argument.ident.unraw()))
}

impl Guard<'_> {
    /// The signature as written, with two changes: some patterns become names, and `mut` moves to the body's
    /// own binding.
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

    /// Whether the signature has a name in place of the argument's pattern. It does where the whole argument
    /// is needed, or where the pattern leaves something unbound that has a destructor.
    pub(super) fn is_renamed(&self, argument: &Argument) -> bool {
        let whole = self.is_lent(argument)
            || self.function.is_called_inside()
            || matches!(self.spec.fallback, Some(Fallback::Path(_)));
        !argument.is_plain() && (whole || !argument.is_bound_whole())
    }

    /// Whether the body has its own binding of the argument, so that it is dropped before the call is
    /// settled.
    fn is_bound_again(&self, argument: &Argument) -> bool {
        !(self.function.runs_in_place() || self.is_captured_whole(argument))
            || !argument.is_dropless
            || self.is_lent(argument)
            || self.is_renamed(argument)
    }

    /// Whether the body can use the argument as it is. A binding would make the future of an `async fn` larger, and a
    /// closure needs none for what is only copied. `mut` needs a binding, because the argument may borrow from the
    /// body later.
    fn is_captured_whole(&self, argument: &Argument) -> bool {
        let is_mutable = argument.names.iter().any(|name| name.is_mutable);
        let is_copied = argument.is_dropless && argument.keeping != Keeping::Reborrow;
        let is_captured = match self.function.flavor {
            Flavor::Async => true,
            _ => is_copied && !self.function.is_called_inside(),
        };
        is_captured && !self.borrows_self() && argument.is_plain() && !is_mutable
    }

    /// `let argument = argument;` in the order of declaration. So the body owns the arguments, drops them in
    /// the order of a function, and can take them apart.
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
        // An argument that only the fallback or the key names is used.
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
            // The pattern can only take apart what it owns.
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

    /// Copies what the fallback needs after the body has failed.
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

    /// An owned `self` cannot be renamed in the body. So the body keeps it, and the fallback gets the copy.
    pub(super) fn keeps_self(&self) -> Option<TokenStream> {
        let owned = self.function.receiver == Some(Receiver::Owned);
        let span = self.function.self_span().filter(|_| owned && self.lends_self())?;
        let (rt, kept) = (&self.rt, local("kept_self"));
        let (own, at) = (self.own_self(), |tokens| respan(tokens, span, span));
        let (keep, shared) = (at(quote! { #rt::keep }), at(quote! { & }));
        let copy = call_at(&keep, quote! { #shared #own }, span);
        Some(quote! { let #kept = #copy; })
    }

    /// The expression that the body's argument is made from.
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

    /// `move`, unless the fallback needs `&mut self` afterwards. The body then only borrows it.
    pub(super) fn capture_keyword(&self) -> Option<TokenStream> {
        (!self.borrows_self()).then(|| quote! { move })
    }

    pub(super) fn borrows_self(&self) -> bool {
        self.function.receiver == Some(Receiver::Exclusive) && self.lends_self()
    }

    /// Captures an owned `self` as a whole. Since edition 2021 a closure captures its fields one by one. A reference is
    /// captured whole anyway.
    pub(super) fn captures_self(&self) -> Option<TokenStream> {
        let whole =
            self.function.receiver == Some(Receiver::Owned) && !self.function.runs_in_place();
        let own = self.own_self();
        whole.then(|| quote! { let _ = &#own; })
    }

    /// `self` with the user's span. With another span it would be another name.
    pub(super) fn own_self(&self) -> Option<syn::Token![self]> {
        self.function.signature.receiver().map(|receiver| receiver.self_token)
    }
}
