//! Functions that return a stream: which stream is guarded, and as what it is returned.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote};

use super::{Guard, guarded};
use crate::function::output::Flavor;
use crate::spans::{call_at, local, placed, respan, tail};
use crate::spec::OnCancel;
use crate::spec::fallback::Fallback;

impl Guard<'_> {
    /// The body of a function that returns a stream. It runs at once. The stream that it makes is guarded from its first
    /// poll on.
    ///
    /// Input:
    ///
    /// ```text
    /// #[circuit_breaker(name = "prices")]
    /// fn prices() -> impl Stream<Item = Result<Price, PriceError>> {
    ///     connect()
    /// }
    /// ```
    ///
    /// Output, without what only errors need:
    ///
    /// ```text
    /// fn prices() -> impl Stream<Item = Result<Price, PriceError>> {
    ///     let __breaker_stream = rt::stream_of::<Result<Price, PriceError>, _>(connect());
    ///     rt::Streamed::new(
    ///         __breaker_stream,
    ///         rt::OnCancel::Ignore,
    ///         move |__breaker_value| {
    ///             let __breaker_kind = rt::KindOf::value(__breaker_value).__breaker_kind();
    ///             rt::outcome(__breaker_kind, __breaker_value)
    ///         },
    ///         async move {
    ///             let __breaker_circuit = rt::site!("prices", "prices", rt::Config::new());
    ///             match rt::enter_stream(rt::shared(__breaker_circuit)).await {
    ///                 ::core::result::Result::Ok(__breaker_permit) => rt::begun!(__breaker_permit [Result<Price, PriceError>]),
    ///                 ::core::result::Result::Err(__breaker_rejected) => {
    ///                     rt::Beginning::Refused(rt::refuse(__breaker_rejected))
    ///                 }
    ///             }
    ///         },
    ///     )
    /// }
    /// ```
    pub(super) fn guarded_stream(&self) -> TokenStream {
        let (rt, stream) = (&self.rt, local("stream"));
        let (circuit, lends, made) = (self.circuit(), self.lends(), self.called());
        let declared = &self.function.output.declared;
        let check = self.required_trait(&quote! { polled }, None);
        let (error_type, beginning) = (self.error_type_of(&stream), self.beginning());
        let (failure_after, on_cancel) = (self.failure_after(), self.on_cancel());
        let classify = self.classify();
        let streamed = quote! { #rt::Streamed::new(#stream, #on_cancel, #classify, #beginning) };
        let boxed = |stream| quote! { #rt::Box::pin(#stream) };
        let (kind, streamed) = match self.function.flavor {
            Flavor::NamedStream => {
                let (kind, ask) = (local("kind"), placed("made", declared.name));
                let found = quote! {
                    let #kind = #rt::NamedStream::value(&#stream).#ask();
                    let #stream = #kind.__breaker_stream(#stream);
                };
                let boxed = boxed(streamed);
                (found, quote! { #kind.__breaker_guarded(#boxed) })
            }
            flavor => {
                let streamed = match flavor {
                    Flavor::BoxedStream if declared.is_unpin_object => boxed(boxed(streamed)),
                    Flavor::BoxedStream => boxed(streamed),
                    _ => streamed,
                };
                (self.items_checked(&stream), streamed)
            }
        };
        quote! {
            #circuit #lends
            let #stream = #made;
            #check
            #kind
            #error_type
            #failure_after
            #streamed
        }
    }

    /// Asks the compiler whether the body made a stream of such items. If not, the error is at the body's value.
    fn items_checked(&self, stream: &Ident) -> TokenStream {
        let (rt, at) = (&self.rt, tail(&self.function.body));
        let ty = self.function.output.ty.as_ref().map_or(quote! { _ }, |ty| ty.to_token_stream());
        let path = respan(quote! { #rt::stream_of }, at, at);
        let given = placed("stream", at);
        let call = call_at(&quote! { #path::<#ty, _> }, given.to_token_stream(), at);
        quote! { let #stream = #call; }
    }

    /// What each item means for the call.
    fn classify(&self) -> TokenStream {
        let (rt, value, kind) = (&self.rt, local("value"), local("kind"));
        let outcome = self.outcome_of(&value.to_token_stream());
        quote! {
            move |#value| {
                let #kind = #rt::KindOf::value(#value).__breaker_kind();
                #outcome
            }
        }
    }

    fn on_cancel(&self) -> TokenStream {
        let rt = &self.rt;
        match self.spec.on_cancel {
            OnCancel::Ignore => quote! { #rt::OnCancel::Ignore },
            OnCancel::Failure => quote! { #rt::OnCancel::Failure },
            OnCancel::FailureAfter(_) => local("on_cancel").to_token_stream(),
        }
    }

    /// The type of the error that a fallback is told, and a check that items can be failures. An item never is here:
    /// only its type matters.
    fn error_type_of(&self, stream: &Ident) -> Option<TokenStream> {
        let fallback = self.spec.fallback.as_ref()?;
        let (rt, value, kind) = (&self.rt, local("value"), local("kind"));
        let check = self.guardable();
        let known = if matches!(fallback, Fallback::Closure { .. }) {
            quote! { #rt::ErrorType::of(#kind, &#value) }
        } else {
            quote! { #rt::ErrorType::<#rt::Infallible>::unknown() }
        };
        let error_type = local("error_type");
        Some(quote! {
            let #error_type = if false {
                let #value = #rt::item_of(&#stream);
                let #kind = #rt::KindOf::value(&#value).__breaker_kind();
                #check
                #known
            } else {
                #rt::ErrorType::unknown()
            };
        })
    }

    /// Acquires the permit, or makes the only item of a stream that was refused.
    fn beginning(&self) -> TokenStream {
        let (rt, guarded) = (&self.rt, guarded());
        let (permit, rejected, error) = (local("permit"), local("rejected"), local("error"));
        let circuit = local("circuit");
        let (site, shared) = if self.spec.key.is_some() {
            (None, circuit.to_token_stream())
        } else {
            let site = self.site();
            (Some(quote! { let #circuit = #site; }), quote! { #rt::shared(#circuit) })
        };
        let replaced = self.replaced();
        let entered = |refused: TokenStream| {
            quote! {
                #site
                match #rt::enter_stream(#shared).await {
                    ::core::result::Result::Ok(#permit) => #rt::begun!(#permit [#replaced]),
                    ::core::result::Result::Err(#rejected) => #refused,
                }
            }
        };
        let Some(fallback) = &self.spec.fallback else {
            let refused = self.refused(&rejected);
            let entered = entered(quote! { #rt::Beginning::Refused(#refused) });
            return quote! { async move { #entered } };
        };
        let told = if matches!(fallback, Fallback::Closure { .. }) {
            let error_type = local("error_type");
            quote! { #rt::ErrorType::rejected(#error_type, #rejected) }
        } else {
            quote! { ::core::mem::drop(#rejected) }
        };
        let entered = entered(quote! { break #guarded #told });
        let (fake_return, answer) = (self.fake_return(), self.answer(fallback));
        // The fallback may return early. So it has a block of its own.
        quote! {
            async move {
                let #error = #guarded: { return { #entered } };
                #rt::Beginning::Refused(async move { #fake_return #answer }.await)
            }
        }
    }
}
