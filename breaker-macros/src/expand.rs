//! From what was meant to the tokens that do it.
//!
//! Local names have mixed-site spans and begin with `__breaker_`, so that they meet neither the user's locals
//! nor the user's items; paths begin with `::`, so that nothing that the user shadows matters; nothing is
//! called as a method that a user's trait might have.

mod arguments;
mod body;
mod expected;
mod fault;
mod site;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Lifetime, PathArguments};

use self::body::allow_complexity;
use crate::argument::Argument;
use crate::fallback::Fallback;
use crate::output::Flavor;
use crate::signature::Function;
use crate::spans::{call_at, ends, local, placed, respan, tail, word};
use crate::spec::Spec;

/// Writes the guarded function.
///
/// Input:
///
/// ```text
/// #[circuit_breaker(name = "prices", failure_threshold = 3, fallback = |err| cached(sku, err))]
/// fn price(sku: &str) -> Result<Price, PriceError> {
///     fetch(sku)
/// }
/// ```
///
/// Output, with `::breaker_runtime::__private` shortened to `rt`:
///
/// ```text
/// fn price(sku: &str) -> Result<Price, PriceError> {
///     let __breaker_error = '__breaker_guarded: {
///         let __breaker_circuit =
///             rt::site!("prices", "price", rt::Config::new().failure_threshold(3));
///         let __breaker_permit = match rt::enter(__breaker_circuit) {
///             ::core::result::Result::Ok(__breaker_permit) => __breaker_permit,
///             ::core::result::Result::Err(__breaker_rejected) => {
///                 break '__breaker_guarded rt::CallError::Rejected(__breaker_rejected);
///             }
///         };
///         #[allow(clippy::type_complexity)]
///         let __breaker_value = {
///             let __breaker_value: Result<Price, PriceError> = match () {
///                 () => fetch(sku),
///             };
///             #[allow(unreachable_code)]
///             __breaker_value
///         };
///         if false {
///             rt::Returned::value(&__breaker_value).__breaker_check();
///         }
///         let __breaker_kind = rt::KindOf::value(&__breaker_value).__breaker_kind();
///         match rt::settle_or_fall_back(
///             __breaker_permit,
///             rt::outcome(__breaker_kind, &__breaker_value),
///             __breaker_kind,
///             __breaker_value,
///         ) {
///             ::core::result::Result::Ok(__breaker_value) => return __breaker_value,
///             ::core::result::Result::Err(__breaker_error) => __breaker_error,
///         }
///     };
///     let err = __breaker_error;
///     cached(sku, err)
/// }
/// ```
///
/// The body stands in `rt::body!(..)`, or `rt::awaited_body!(..)` if it is async. Without feature `test-util` of the
/// runtime, these macros are the body and nothing else, as shown here.
///
/// A body that may leave the function early, with `?` for example, becomes a closure: `rt::call(move || ..)`.
pub(crate) fn expand(spec: &Spec, function: &Function) -> TokenStream {
    let Function { attrs, vis, inner_attrs, .. } = function;
    let (import, rt) = runtime(spec);
    let guard = Guard { spec, function, rt };
    let keeps_self = guard.keeps_self();
    let content = match function.flavor {
        Flavor::Sync | Flavor::Async => guard.guarded_body(),
        _ => guard.guarded_future(),
    };
    let mut block = proc_macro2::Group::new(
        proc_macro2::Delimiter::Brace,
        quote! { #inner_attrs #import #keeps_self #content },
    );
    block.set_span(function.block_span());
    let signature = guard.signature();
    quote! { #(#attrs)* #vis #signature #block }
}

/// What paths to the runtime begin with. A path of the user's is imported first, so that a mistake in it
/// is one error, however often the runtime is named.
fn runtime(spec: &Spec) -> (Option<TokenStream>, TokenStream) {
    match &spec.krate {
        Some(krate) => (Some(quote! { use #krate::__private as __breaker; }), quote! { __breaker }),
        None => (None, quote! { ::breaker_runtime::__private }),
    }
}

/// The block that a refused call leaves.
fn guarded() -> Lifetime {
    Lifetime::new("'__breaker_guarded", Span::mixed_site())
}

/// Everything that the pieces of an expansion look at.
struct Guard<'a> {
    spec: &'a Spec,
    function: &'a Function,
    rt: TokenStream,
}

impl Guard<'_> {
    /// The body of a sync or an `async` function.
    fn guarded_body(&self) -> TokenStream {
        let (circuit, lends) = (self.circuit(), self.lends());
        if self.function.flavor == Flavor::Sync {
            let decide = self.decide(&lends, &self.replaceable(&self.called()));
            return quote! { #circuit #decide };
        }
        let body = self.async_body();
        let is_small = self.function.arguments.iter().all(|argument| argument.is_small);
        if self.spec.fallback.is_some() || is_small {
            let decide = self.decide(&lends, &self.awaited(&body));
            return quote! { #circuit #decide };
        }
        // Nobody else needs the arguments: in the body from the start, they are not also kept beside it.
        let future = local("future");
        let decide = self.decide(&lends, &self.awaited(&future.to_token_stream()));
        quote! { #circuit let #future = #body; #decide }
    }

    /// The body of a function that returns a future: it runs at once, and the future that it makes is
    /// guarded from its first poll on.
    fn guarded_future(&self) -> TokenStream {
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
        let (check, kind) = (self.awaited_trait(&future), local("kind"));
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

    /// Asks the compiler whether the trait that the function calls `Future` is the one that is awaited, and whether
    /// the body's value has it.
    fn awaited_trait(&self, future: &Ident) -> Option<TokenStream> {
        let (rt, mut path) = (&self.rt, self.function.output.declared.future.clone()?);
        if let Some(last) = path.segments.last_mut() {
            last.arguments = PathArguments::None;
        }
        let ((first, last), at) = (ends(&path), tail(&self.function.body));
        let check = placed("awaited", at);
        let asked = respan(quote! { #rt::awaited(#future) }, first, last);
        let made = respan(quote! { &#future }, at, at);
        // A box has the type that is written, and the trait that is.
        let call = self.function.output.declared.is_opaque.then(|| {
            let call = call_at(&check, made, at);
            quote! { #call; }
        });
        Some(quote! {
            {
                fn #check<__BreakerFuture: #path>(#future: &__BreakerFuture) { #asked }
                #call
            }
        })
    }

    /// What the future resolves to. That it is what was promised is asked here, and complained about at
    /// the body's value.
    fn resolved(&self, future: &Ident) -> TokenStream {
        let at = tail(&self.function.body);
        let awaited = self.awaited_at(Some(at), &future.to_token_stream());
        let (rt, value, resolved) = (&self.rt, local("value"), placed("resolved", at));
        let Some(ty) = &self.function.output.ty else { return awaited };
        let ty = match self.spec.call_timeout {
            Some(_) => quote! { ::core::result::Result<#ty, #rt::Elapsed> },
            None => ty.to_token_stream(),
        };
        let allow = allow_complexity();
        quote! { { let #resolved = #awaited; #allow let #value: #ty = #resolved; #value } }
    }

    /// Asks for a permit, and leaves the block with `refused` if there is none.
    fn admitted(&self, refused: &TokenStream) -> TokenStream {
        let (rt, circuit, guarded) = (&self.rt, local("circuit"), guarded());
        let (permit, rejected) = (local("permit"), local("rejected"));
        let leads = if self.spec.key.is_some() {
            quote! { &*#circuit }
        } else {
            self.site()
        };
        let site = quote! { let #circuit = #leads; };
        let permitted = |entered| {
            quote! {
                match #entered {
                    ::core::result::Result::Ok(#permit) => #permit,
                    ::core::result::Result::Err(#rejected) => break #guarded #refused,
                }
            }
        };
        if !self.function.is_async() {
            let permitted = permitted(quote! { #rt::enter(#circuit) });
            return quote! { #site let #permit = #permitted; };
        }
        // Most calls need not wait. What they get at once is no permit yet: that has a destructor, and would
        // be kept, and moved, through the future.
        let admission = local("admission");
        let permitted = permitted(quote! { #rt::enter_async(#circuit).await });
        let failure_after = self.failure_after();
        quote! {
            #site
            let mut #permit = match #rt::enter_at_once(#circuit) {
                ::core::option::Option::Some(#admission) => #rt::Admission::permit(#admission),
                ::core::option::Option::None => #permitted,
            };
            #failure_after
        }
    }

    /// Asks for a permit, makes `out` under it, and answers with it, with a refusal, or with the fallback.
    fn decide(&self, lends: &TokenStream, out: &TokenStream) -> TokenStream {
        let (rt, guarded) = (&self.rt, guarded());
        let (permit, rejected, error) = (local("permit"), local("rejected"), local("error"));
        let Some(fallback) = &self.spec.fallback else {
            let (admitted, settled) =
                (self.admitted(&self.refused(&rejected)), self.settled(out, None));
            return quote! { #guarded: { #admitted #settled } };
        };
        // Only a closure looks at the error. For others it is not even made.
        let is_told = matches!(fallback, Fallback::Closure { .. });
        let told = |wrap: TokenStream, cause: &TokenStream| {
            let tell = if is_told {
                wrap
            } else {
                quote! { ::core::mem::drop }
            };
            quote! { #tell(#cause) }
        };
        let bound = is_told.then(|| quote! { let #error = });
        let (rejected, answer) = (quote! { #rejected }, self.answer(fallback));
        if self.function.output.ty.is_none() {
            let rejected = told(quote! { #rt::CallError::<#rt::Infallible>::Rejected }, &rejected);
            let admitted = self.admitted(&rejected);
            return quote! { #bound #guarded: { #admitted #out }; #answer };
        }
        if self.spec.only_rejected {
            let error_type = local("error_type");
            let wrap = quote! { #rt::ErrorType::rejected };
            let cause = if is_told {
                quote! { #error_type, #rejected }
            } else {
                rejected
            };
            let admitted = self.admitted(&told(wrap, &cause));
            let settled = self.settled(out, is_told.then_some(&error_type));
            let error_type =
                is_told.then(|| quote! { let #error_type = #rt::ErrorType::unknown(); });
            return quote! {
                #error_type
                #bound #guarded: { #admitted return { #settled } };
                #answer
            };
        }
        let admitted = self.admitted(&told(quote! { #rt::CallError::Rejected }, &rejected));
        let (value, kind, outcome) = (local("value"), local("kind"), self.outcome());
        let failed = if is_told {
            quote! { #error }
        } else {
            quote! { ::core::mem::drop(#error) }
        };
        let (returned, check) = (self.returned(), self.plain());
        let settled = quote! {
            #check
            let #kind = #rt::KindOf::value(&#value).__breaker_kind();
            match #rt::settle_or_fall_back(#permit, #outcome, #kind, #value) {
                ::core::result::Result::Ok(#value) => return #returned,
                ::core::result::Result::Err(#error) => #failed,
            }
        };
        let timed_out = |timed_out| told(quote! { #rt::CallError::TimedOut }, &timed_out);
        let attempted = self.attempted(out, &settled, timed_out);
        quote! { #bound #guarded: { #admitted #lends #attempted }; #answer }
    }

    /// Makes `out`, and goes on with its value, or with what is to be done when there was no time for it.
    fn attempted(
        &self,
        out: &TokenStream,
        settled: &TokenStream,
        timed_out: impl FnOnce(TokenStream) -> TokenStream,
    ) -> TokenStream {
        let (rt, value, permit) = (&self.rt, local("value"), local("permit"));
        let Some(limit) = self.call_timeout() else {
            let allow = allow_complexity();
            return quote! { #allow let #value = #out; #settled };
        };
        let timed_out = timed_out(quote! { #rt::time_out(#permit, #limit) });
        quote! {
            match #out {
                ::core::result::Result::Ok(#value) => { #settled }
                ::core::result::Result::Err(_) => #timed_out,
            }
        }
    }

    /// Settles the permit with what `out` comes to, and returns it.
    fn settled(&self, out: &TokenStream, error_type: Option<&Ident>) -> TokenStream {
        let (rt, outcome) = (&self.rt, self.outcome());
        let (permit, value, kind) = (local("permit"), local("value"), local("kind"));
        if self.function.output.ty.is_none() {
            return out.clone();
        }
        let tells_type = error_type.map(|error_type| {
            quote! { #rt::ErrorType::is_of(#error_type, #kind, &#value); }
        });
        let (returned, check) = (self.returned(), self.plain());
        let settled = quote! {
            #check
            let #kind = #rt::KindOf::value(&#value).__breaker_kind();
            #tells_type
            #rt::settle(#permit, #outcome);
            #returned
        };
        let (first, last) = self.function.output.blame;
        self.attempted(out, &settled, |timed_out| {
            let give_up = respan(quote! { #rt::give_up }, first, first);
            call_at(&give_up, timed_out, last)
        })
    }

    /// The body's value on its way out. What it must not borrow is shown where the body has it.
    fn returned(&self) -> Ident {
        placed("value", tail(&self.function.body))
    }

    /// Asks the compiler whether the body's value is a future after all, which would run unguarded. Without a
    /// fallback the type cannot be refused, and that is complaint enough.
    fn plain(&self) -> Option<TokenStream> {
        let Function { flavor, output, .. } = self.function;
        if *flavor != Flavor::Sync || output.is_value || self.spec.fallback.is_none() {
            return None;
        }
        let (rt, value, check) = (&self.rt, local("value"), placed("check", output.declared.name));
        // Never run: only its types matter, and code that is not optimised pays nothing for it.
        Some(quote! { if false { #rt::Returned::value(&#value).#check(); } })
    }

    /// How `value` counts: `ignore_if` is asked first, then `failure_if`, then the type.
    fn outcome(&self) -> TokenStream {
        let (rt, value) = (&self.rt, local("value"));
        if let Some(ignore_if) = &self.spec.ignore_if {
            let otherwise = self.judged(&value.to_token_stream());
            let (first, last) = ends(&ignore_if.value);
            let (kind, ignore_if) = (placed("kind", ignore_if.key), &ignore_if.value);
            let asked = quote! { #kind, &#value, #ignore_if, |#value| #otherwise };
            call_at(&respan(quote! { #rt::ignore_if }, first, first), asked, last)
        } else {
            self.judged(&quote! { &#value })
        }
    }

    fn judged(&self, reference: &TokenStream) -> TokenStream {
        let (rt, kind) = (&self.rt, local("kind"));
        if let Some(failure_if) = &self.spec.failure_if {
            let (first, last) = ends(failure_if);
            let path = respan(quote! { #rt::failure_if }, first, first);
            call_at(&path, quote! { #reference, #failure_if }, last)
        } else {
            quote! { #rt::outcome(#kind, #reference) }
        }
    }

    /// Without a fallback: the refusal, in the function's own type. A complaint about that type is shown
    /// at the type.
    fn refused(&self, rejected: &Ident) -> TokenStream {
        let rt = &self.rt;
        let (first, last) = self.function.output.blame;
        respan(quote! { #rt::refuse(#rejected) }, first, last)
    }

    /// The fallback's value, given the error.
    fn answer(&self, fallback: &Fallback) -> TokenStream {
        let arguments = self.function.arguments.iter();
        let bindings =
            arguments.filter(|argument| self.is_renamed(argument) && fallback.mentions(argument));
        let bindings = bindings.map(|Argument { attrs, pattern, ident, .. }| {
            quote! { #(#attrs)* #[allow(unused_variables, unused_mut)] let #pattern = #ident; }
        });
        match fallback {
            Fallback::Path(path) => {
                let receiver = self.function.receiver.map(|receiver| self.kept_self(receiver));
                let arguments =
                    self.function.arguments.iter().map(|argument| argument.ident.to_token_stream());
                let arguments = receiver.into_iter().chain(arguments);
                let (rt, (_, last)) = (&self.rt, ends(path));
                let mut answer = call_at(path, quote! { #(#arguments),* }, last);
                if self.function.is_async() {
                    let eventual = respan(quote! { #rt::Answer::of }, last, last);
                    let awaited = respan(quote! { .await }, last, last);
                    answer = call_at(&eventual, answer, last);
                    answer.extend(awaited);
                }
                // A value of ours is what has the wrong type, if any: no advice is given on how to
                // rewrite the call, which the user cannot see.
                let value = placed("value", last);
                quote! { let #value = #answer; #value }
            }
            Fallback::Closure { error: pattern, body } => {
                let error = placed("error", ends(pattern).1);
                let body = self.last(body);
                quote! { #(#bindings)* let #pattern = #error; #body }
            }
            Fallback::Expression(expression) => {
                let expression = self.last(expression);
                quote! { #(#bindings)* #expression }
            }
        }
    }

    /// The user's expression as the last of a block. Where it comes to `()`, clippy would have it end in
    /// a semicolon, which an option's value cannot.
    fn last(&self, expression: &syn::Expr) -> TokenStream {
        match &self.function.output.ty {
            Some(syn::Type::Tuple(unit)) if unit.elems.is_empty() => {
                quote! { #[allow(clippy::diverging_sub_expression)] let () = #expression; }
            }
            // As a statement, which puts parentheses around what would end too early without.
            _ => syn::Stmt::Expr(expression.clone(), None).to_token_stream(),
        }
    }
}

#[cfg(test)]
mod tests;
