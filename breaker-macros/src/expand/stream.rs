//! Functions that return a stream: which stream is guarded, and as what it is returned.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

use super::{Guard, guarded};
use crate::function::output::Flavor;
use crate::spans::{call_at, local, placed, respan, tail};
use crate::spec::OnCancel;
use crate::spec::fallback::Fallback;

impl Guard<'_> {
    /// The body of a function that returns a stream. It runs at once. The stream that it makes is guarded from its
    /// first poll on.
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
    /// Output, without what is only there for errors:
    ///
    /// ```text
    /// fn prices() -> impl Stream<Item = Result<Price, PriceError>> {
    ///     use ::breaker_runtime::__private as __breaker;
    ///     let __breaker_stream = connect();
    ///     __breaker::Streamed::new(
    ///         __breaker_stream,
    ///         __breaker::OnCancel::Ignore,
    ///         move |__breaker_value| {
    ///             let __breaker_kind = __breaker::KindOf::value(__breaker_value).__breaker_kind();
    ///             __breaker::outcome(__breaker_kind, __breaker_value)
    ///         },
    ///         async move {
    ///             let __breaker_circuit = __breaker::shared_site!("prices\0\0\0prices\0");
    ///             match __breaker::enter_stream(__breaker::shared(__breaker_circuit)).await {
    ///                 __breaker::Ok(__breaker_permit) => __breaker::begun!(__breaker_permit [Result<Price, PriceError>]),
    ///                 __breaker::Err(__breaker_rejected) => {
    ///                     __breaker::Beginning::Refused(__breaker::refuse(__breaker_rejected))
    ///                 }
    ///             }
    ///         },
    ///     )
    /// }
    /// ```
    pub(super) fn guarded_stream(&self) -> TokenStream {
        let (rt, stream, kind) = (&self.rt, local("stream"), local("kind"));
        let (circuit, lends, made) = (self.circuit(), self.lends(), self.called());
        let declared = &self.function.output.declared;
        let check = self.required_trait(&quote! { polled }, declared.is_hidden.then_some(&stream));
        let asked = self.made(&stream);
        let (items, beginning) = (self.items(&stream), self.beginning());
        let (failure_after, on_cancel) = (self.failure_after(), self.on_cancel());
        let classify = self.classify();
        let streamed = quote! { #rt::Streamed::new(#stream, #on_cancel, #classify, #beginning) };
        let boxed = |stream| quote! { #rt::Box::pin(#stream) };
        let streamed = match self.function.flavor {
            Flavor::NamedStream => {
                let boxed = boxed(streamed);
                quote! { #kind.__breaker_guarded(#boxed) }
            }
            Flavor::BoxedStream if declared.is_unpin_object => boxed(boxed(streamed)),
            Flavor::BoxedStream => boxed(streamed),
            _ => streamed,
        };
        quote! {
            #circuit #lends
            let #stream = #made;
            #check
            let #kind = #asked;
            let #stream = #kind.__breaker_stream(#stream);
            #items
            #failure_after
            #streamed
        }
    }

    /// Asks the compiler whether the body made a stream of such items, or a box that can be guarded. If not, the error
    /// is at the body's value, or at the return type.
    fn made(&self, stream: &Ident) -> TokenStream {
        let (rt, output) = (&self.rt, &self.function.output);
        if self.function.flavor == Flavor::NamedStream {
            let ask = placed("made", output.declared.name);
            return quote! { #rt::NamedStream::value(&#stream).#ask() };
        }
        let at = tail(&self.function.body);
        let ask = placed("made", at);
        let ty = output.ty.as_ref().map_or(quote! { _ }, ToTokens::to_token_stream);
        let there = |tokens| respan(tokens, at, at);
        let (kinds, value) = (there(quote! { #rt::MadeStream }), there(quote! { value }));
        let kind = call_at(&quote! { #kinds::<#ty, _>::#value }, there(quote! { &#stream }), at);
        call_at(&quote! { #kind.#ask }, TokenStream::new(), at)
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

    /// The type of the items, for a fallback and the error that it is told. Also a check that items can be failures.
    fn items(&self, stream: &Ident) -> Option<TokenStream> {
        let fallback = self.spec.fallback.as_ref()?;
        let (rt, value, items) = (&self.rt, local("value"), local("items"));
        let error_type = matches!(fallback, Fallback::Closure { .. }).then(|| {
            let error_type = local("error_type");
            quote! {
                let #error_type = if false {
                    let #value = #rt::Items::any(#items);
                    #rt::ErrorType::of(#rt::KindOf::value(&#value).__breaker_kind(), &#value)
                } else {
                    #rt::ErrorType::unknown()
                };
            }
        });
        let check = self.guardable().map(|check| {
            quote! { if false { let #value = #rt::Items::any(#items); #check } }
        });
        Some(quote! { let #items = #rt::Items::of(&#stream); #check #error_type })
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
        let entered = quote! { #rt::enter_stream(#shared).await };
        let begun = quote! { #rt::begun!(#permit [#replaced]) };
        let Some(fallback) = &self.spec.fallback else {
            let refused = self.refused(&rejected);
            return quote! {
                async move {
                    #site
                    match #entered {
                        #rt::Ok(#permit) => #begun,
                        #rt::Err(#rejected) => #rt::Beginning::Refused(#refused),
                    }
                }
            };
        };
        let told = if matches!(fallback, Fallback::Closure { .. }) {
            let error_type = local("error_type");
            quote! { #rt::ErrorType::rejected(#error_type, #rejected) }
        } else {
            quote! { ::core::mem::drop(#rejected) }
        };
        let (fake_return, answer) = (self.fake_return(), self.answer(fallback));
        let (value, items) = (placed("value", fallback.end()), local("items"));
        // The fallback may return early. So it has a block of its own.
        quote! {
            async move {
                let #error = #guarded: {
                    #site
                    let #permit = match #entered {
                        #rt::Ok(#permit) => #permit,
                        #rt::Err(#rejected) => break #guarded #told,
                    };
                    return #begun;
                };
                let #value = async move { #fake_return #answer }.await;
                #rt::Items::only(#items, #value)
            }
        }
    }
}
