//! Functions that return a future: which future is guarded, and as what it is returned.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::PathArguments;

use super::Guard;
use crate::function::output::Flavor;
use crate::spans::{call_at, ends, local, placed, respan, tail, word};

impl Guard<'_> {
    /// The body of a function that returns a future. It runs at once. The future that it makes is guarded
    /// from its first poll on.
    pub(super) fn guarded_future(&self) -> TokenStream {
        let (rt, future) = (&self.rt, local("future"));
        let (circuit, lends, made) = (self.circuit(), self.lends(), self.called());
        let decide = self.decide(&TokenStream::new(), &self.resolved(&future));
        let fake_return = self.fake_return();
        let guarded = quote! { async move { #fake_return #decide } };
        let boxed = |future| quote! { #rt::Box::pin(#future) };
        let guarded = match self.function.flavor {
            Flavor::BoxedFuture if self.function.output.declared.is_unpin_object => {
                boxed(boxed(guarded))
            }
            Flavor::BoxedFuture | Flavor::NamedFuture => boxed(guarded),
            _ => guarded,
        };
        // A box already has the written type, so its trait is the written one.
        let is_opaque = self.function.output.declared.is_opaque;
        let check = self.required_trait(&quote! { awaited }, is_opaque.then_some(&future));
        let kind = local("kind");
        let (at, kinds) = match self.function.flavor {
            Flavor::NamedFuture => (self.function.output.declared.name, word("Named")),
            _ => (Span::mixed_site(), word("Made")),
        };
        let is_boxed = self.function.flavor == Flavor::BoxedFuture;
        let is_written = is_boxed && !self.function.output.declared.is_opaque;
        let wrap = word(if is_written { "__breaker_boxed" } else { "__breaker_guarded" });
        let ask = placed("made", at);
        quote! {
            #circuit #lends
            let #future = #made;
            #check
            let #kind = #rt::#kinds::value(&#future).#ask();
            let #future = #kind.__breaker_future(#future);
            #kind.#wrap(#guarded)
        }
    }

    /// Asks the compiler two things: whether the trait that the function calls `Future` or `Stream` is the one that can
    /// be guarded, and whether the body's value implements it.
    pub(super) fn required_trait(
        &self,
        ask: &TokenStream,
        made: Option<&Ident>,
    ) -> Option<TokenStream> {
        let (rt, mut path) = (&self.rt, self.function.output.declared.awaited.clone()?);
        if let Some(last) = path.segments.last_mut() {
            last.arguments = PathArguments::None;
        }
        let ((first, last), at) = (ends(&path), tail(&self.function.body));
        let (check, it) = (placed("awaited", at), local("it"));
        let asked = respan(quote! { #rt::#ask(#it) }, first, last);
        let call = made.map(|made| {
            let call = call_at(&check, respan(quote! { &#made }, at, at), at);
            quote! { #call; }
        });
        Some(quote! {
            {
                fn #check<__BreakerFuture: #path>(#it: &__BreakerFuture) { #asked }
                #call
            }
        })
    }

    /// Awaits the future and checks its output type. A mismatch is reported at the body's value.
    fn resolved(&self, future: &Ident) -> TokenStream {
        let at = tail(&self.function.body);
        let awaited = self.awaited_at(Some(at), &future.to_token_stream());
        let (rt, value, resolved) = (&self.rt, local("value"), placed("resolved", at));
        let Some(ty) = &self.function.output.ty else { return awaited };
        let ty = match self.spec.call_timeout {
            Some(_) => quote! { #rt::Result<#ty, #rt::Elapsed> },
            None => ty.to_token_stream(),
        };
        let allow = self.allow_complexity();
        quote! { { let #resolved = #awaited; #allow let #value: #ty = #resolved; #value } }
    }
}
