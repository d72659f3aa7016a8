//! Runs the user's body: in place, as a closure, as a nested function, or as a future.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};

use super::Guard;
use super::expected::expected;
use crate::args::value::Value;
use crate::function::Function;
use crate::function::output::{Flavor, erase_impl_trait};
use crate::spans::{call_at, local, placed, respan, tail, word};
use crate::spec::OnCancel;

impl Guard<'_> {
    /// Runs a sync body.
    pub(super) fn called(&self) -> TokenStream {
        let (rt, function) = (&self.rt, self.function);
        if function.runs_in_place() {
            return self.in_place();
        }
        if function.tracks_caller() {
            return self.called_inside();
        }
        let keyword = self.capture_keyword();
        if function.output.ty.is_none() && function.flavor == Flavor::Sync {
            let body = self.endless_body();
            return quote! { (#keyword || -> ! { #body })() };
        }
        let ty = match &function.signature.output {
            syn::ReturnType::Type(_, ty) if function.returns_future() => erase_impl_trait(ty),
            _ => match &function.output.ty {
                Some(ty) => ty.clone(),
                None => syn::parse_quote! { _ },
            },
        };
        let (captures, rebinds, body) = (self.captures_self(), self.rebinds(), &function.body);
        let is_bare = captures.is_none() && rebinds.is_empty();
        if is_bare && self.expectation().is_none() {
            // Without variables of ours, the temporaries of its last expression outlive nothing.
            return quote! { #rt::call(#keyword || -> #ty #body) };
        }
        let body = self.body_of(&ty);
        let closure = quote! { #keyword || -> #ty { #body } };
        let Some(expectation) = self.expectation() else { return quote! { #rt::call(#closure) } };
        let expected = local("expected");
        quote! { { #expectation #rt::Expected::call(#expected, #closure) } }
    }

    /// Runs a body that never leaves the function early, in place. It keeps its arguments, its caller's
    /// location and its stack frame.
    fn in_place(&self) -> TokenStream {
        let (expectation, body) = match &self.function.output.ty {
            Some(ty) => (self.expectation(), self.body_of(ty)),
            None => (None, self.endless_body()),
        };
        quote! { { #expectation #body } }
    }

    /// The user's body as the value of a block. It goes through a variable, because temporaries of a last
    /// expression would outlive the arguments. It stands in a match arm, because clippy complains about a
    /// variable whose value diverges.
    fn body_of(&self, ty: &syn::Type) -> TokenStream {
        let (captures, rebinds, body) = (self.captures_self(), self.rebinds(), &self.function.body);
        let at = tail(body);
        let value = placed("value", at);
        let stated = if self.expectation().is_some() {
            let (rt, expected) = (&self.rt, local("expected"));
            let path = respan(quote! { #rt::Expected::value }, at, at);
            // With an attribute, because the compiler calls bare braces unnecessary here. A `match` would
            // hide the expected type from a closure.
            let braced = quote! { #expected, #[allow(clippy::diverging_sub_expression)] #body };
            let passed = call_at(&path, braced, at);
            quote! { #[allow(unreachable_code)] let #value: #ty = #passed; }
        } else {
            quote! { let #value: #ty = match () { () => #body }; }
        };
        quote! {
            #captures
            #rebinds
            #stated
            #[allow(unreachable_code)]
            #value
        }
    }

    /// The type that the return type gives the body's value, where the body cannot infer it.
    fn expectation(&self) -> Option<TokenStream> {
        let is_value = !self.function.returns_future();
        is_value.then(|| expected(&self.function.output.written, &self.rt)).flatten()
    }

    /// The user's body, if it never returns.
    fn endless_body(&self) -> TokenStream {
        let (captures, rebinds) = (self.captures_self(), self.rebinds());
        let statements = self.function.body.stream();
        quote! { #captures #rebinds #statements }
    }

    /// Runs the body of a `#[track_caller]` function as a nested function, which keeps the caller's location.
    fn called_inside(&self) -> TokenStream {
        let Function { signature, arguments, body, .. } = self.function;
        // Items have no hygiene, so the body could collide with this name.
        let (name, track_caller) = (local("tracked"), self.function.track_caller());
        let mut inside = signature.clone();
        inside.ident = name.clone();
        let generics = turbofish(&signature.generics);
        let given = arguments.iter().map(|argument| self.source(argument));
        quote! {
            {
                #track_caller
                #inside #body
                #name #generics (#(#given),*)
            }
        }
    }

    /// The body of an `async fn` as a future.
    pub(super) fn async_body(&self) -> TokenStream {
        let keyword = self.capture_keyword();
        let body = match &self.function.output.ty {
            Some(ty) => {
                let (expectation, fake_return) = (self.expectation(), self.fake_return());
                let body = self.body_of(ty);
                quote! { #expectation #fake_return #body }
            }
            None => self.endless_body(),
        };
        quote! { async #keyword { #body } }
    }

    /// The whole call of an `async fn`, with that body. Errors about the return type are reported there.
    pub(super) fn called_async(&self, body: &TokenStream) -> TokenStream {
        let (rt, ty, (first, last)) =
            (&self.rt, &self.function.output.ty, self.function.output.blame);
        let (bound, way) = self.way();
        let (replaced, value, returned) = (self.replaced(), local("value"), self.returned());
        let refuse = respan(quote! { #rt::refuse }, first, last);
        let kind = quote! { #rt::kind_of::<#ty>().__breaker_kind() };
        let given = quote! { #way, #refuse, #kind, #rt::faults!(#replaced), #body };
        let called = call_at(&respan(quote! { #rt::call_async }, first, first), given, last);
        let awaited = respan(quote! { .await }, first, last);
        // By way of a variable, because temporaries of a last expression would outlive the circuit.
        quote! { #bound let #value = #called #awaited; #returned }
    }

    /// Awaits a future under the permit.
    pub(super) fn awaited(&self, future: &TokenStream) -> TokenStream {
        self.awaited_at(None, future)
    }

    /// The same, with complaints at a place. Those about the type of the value stay at the type.
    pub(super) fn awaited_at(&self, at: Option<Span>, future: &TokenStream) -> TokenStream {
        let placed = |tokens| match at {
            Some(at) => respan(tokens, at, at),
            None => tokens,
        };
        let (rt, permit) = (&self.rt, local("permit"));
        let running = local(if self.is_pinned_first() { "future" } else { "running" });
        let guarded = match self.spec.on_cancel {
            OnCancel::Ignore => quote! { Guarded::ignoring(&mut #permit, #running) },
            OnCancel::Failure => {
                quote! { Guarded::new(&mut #permit, #rt::OnCancel::Failure, #running) }
            }
            OnCancel::FailureAfter(_) => {
                let on_cancel = local("on_cancel");
                quote! { FailsAfter::new(&mut #permit, #on_cancel, #running) }
            }
        };
        // The timer is inside the guarded future. So a panic while the body is dropped at the limit counts as
        // part of the call.
        let limit = self.call_timeout();
        let limited = match &limit {
            Some(limit) => quote! { #rt::within(&#permit, #limit, #future) },
            None => future.clone(),
        };
        // Pinned next to its guard and not inside it, which saves the compiler one type. Pinned in a second
        // step, because a future made in place cannot share its space with the arguments.
        let Some(value) = self.replaced() else {
            return placed(quote! {
                {
                    let #running = #limited;
                    let #running = ::core::pin::pin!(#running);
                    #rt::#guarded.await
                }
            });
        };
        let [permit, running, limit, limited, guarded] = [
            quote! { #permit },
            quote! { #running },
            quote! { #limit },
            quote! { #limited },
            quote! { #rt::#guarded },
        ]
        .map(placed);
        if self.is_pinned_first() {
            return quote! { #rt::awaited_body!(#permit #running [#value] { #guarded }) };
        }
        quote! { #rt::awaited_body!(#permit #running [#value] [#limit] { #limited } { #guarded }) }
    }

    /// The time of `on_cancel = failure_after(..)`. It stands before [`awaited`](Guard::awaited), so that a
    /// mistake in a constant is reported where it was written.
    pub(super) fn failure_after(&self) -> Option<TokenStream> {
        let OnCancel::FailureAfter(limit) = &self.spec.on_cancel else { return None };
        let (rt, on_cancel) = (&self.rt, local("on_cancel"));
        let limit = self.limit(&word("failure_after"), limit);
        Some(quote! { let #on_cancel = #rt::OnCancel::FailureAfter(#limit); })
    }

    /// The value of `call_timeout`.
    pub(super) fn call_timeout(&self) -> Option<TokenStream> {
        let limit = self.spec.call_timeout.as_ref()?;
        Some(self.limit(&word("call_timeout"), limit))
    }

    /// A duration. The compiler checks it if it is a constant.
    fn limit(&self, check: &Ident, limit: &Value) -> TokenStream {
        let (rt, value) = (&self.rt, &limit.tokens);
        if !limit.is_constant() {
            return value.clone();
        }
        let check = call_at(
            &respan(quote! { #rt::#check }, limit.at.0, limit.at.0),
            value.clone(),
            limit.at.1,
        );
        quote! {
            { const __BREAKER_LIMIT: ::core::time::Duration = #check; __BREAKER_LIMIT }
        }
    }

    /// An async block infers its type from its first `return`. This one states the type and is never taken.
    pub(super) fn fake_return(&self) -> Option<TokenStream> {
        let (rt, ty) = (&self.rt, self.function.output.ty.as_ref()?);
        let value = placed("value", self.function.output.at.0);
        let allow = self.allow_complexity();
        Some(quote! { if false { #allow let #value: #ty = #rt::never(); return #value; } })
    }

    /// Statements repeat the return type, where clippy may call it too complex. It does not do that for a trait
    /// impl's signature.
    pub(super) fn allow_complexity(&self) -> Option<TokenStream> {
        let written = self.function.output.ty.to_token_stream();
        (!is_simple(written)).then(|| quote! { #[allow(clippy::type_complexity)] })
    }
}

/// The generic arguments of a call. They are written out, because not all can be inferred.
fn turbofish(generics: &syn::Generics) -> Option<TokenStream> {
    let idents: Vec<_> = generics
        .params
        .iter()
        .filter_map(|param| match param {
            syn::GenericParam::Type(ty) => Some(&ty.ident),
            syn::GenericParam::Const(constant) => Some(&constant.ident),
            syn::GenericParam::Lifetime(_) => None,
        })
        .collect();
    (!idents.is_empty()).then(|| quote! { ::<#(#idents),*> })
}

/// Whether a type is visibly too short to be complex for clippy.
fn is_simple(ty: TokenStream) -> bool {
    const LONGEST: usize = 12;
    let is_plain = |tree: &TokenTree| match tree {
        TokenTree::Ident(word) => {
            !["fn", "dyn", "impl", "Fn", "FnMut", "FnOnce"].iter().any(|it| word == it)
        }
        TokenTree::Punct(_) => true,
        TokenTree::Group(group) => group.stream().is_empty(),
        TokenTree::Literal(_) => false,
    };
    let trees: Vec<_> = ty.into_iter().take(LONGEST + 1).collect();
    trees.len() <= LONGEST && trees.iter().all(is_plain)
}
