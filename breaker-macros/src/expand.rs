//! Turns a checked attribute and its function into the guarded function.
//!
//! The generated code does not collide with the user's:
//!
//! * Locals have mixed-site spans and begin with `__breaker_`.
//! * Paths begin with `::`, or with the import `__breaker`, so shadowed names do not matter.
//! * No method is called by name that a user's trait could also have.

mod answer;
mod arguments;
mod body;
mod expected;
mod fault;
mod future;
mod site;
mod stream;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Lifetime;

use crate::function::Function;
use crate::function::output::Flavor;
use crate::spans::{call_at, local, respan, word};
use crate::spec::fallback::Fallback;
use crate::spec::{OnCancel, Spec};

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
/// Output:
///
/// ```text
/// fn price(sku: &str) -> Result<Price, PriceError> {
///     use ::breaker_runtime::__private as __breaker;
///     let __breaker_error = '__breaker_guarded: {
///         let __breaker_circuit =
///             __breaker::site!("prices\0failure_threshold=3\0\0price\0");
///         let __breaker_permit = match __breaker::enter(__breaker_circuit) {
///             __breaker::Ok(__breaker_permit) => __breaker_permit,
///             __breaker::Err(__breaker_rejected) => {
///                 break '__breaker_guarded __breaker::CallError::Rejected(__breaker_rejected);
///             }
///         };
///         let __breaker_value = {
///             let __breaker_value: Result<Price, PriceError> = match () {
///                 () => fetch(sku),
///             };
///             #[allow(unreachable_code)]
///             __breaker_value
///         };
///         if false {
///             __breaker::Returned::value(&__breaker_value).__breaker_opens(&__breaker_value);
///         }
///         let __breaker_kind = __breaker::KindOf::value(&__breaker_value).__breaker_kind();
///         match __breaker::settle_or_fall_back(
///             __breaker_permit,
///             __breaker::outcome(__breaker_kind, &__breaker_value),
///             __breaker_kind,
///             __breaker_value,
///         ) {
///             __breaker::Ok(__breaker_value) => return __breaker_value,
///             __breaker::Err(__breaker_error) => __breaker_error,
///         }
///     };
///     let err = __breaker_error;
///     cached(sku, err)
/// }
/// ```
///
/// The body stands in `body!(..)`, or `awaited_body!(..)` if it is async. Without feature `test-util` of the
/// runtime, these macros are the body and nothing else, as shown here.
///
/// A body that may leave the function early, with `?` for example, becomes a closure: `call(move || ..)`.
pub(crate) fn expand(spec: &Spec, function: &Function) -> TokenStream {
    let Function { attrs, vis, inner_attrs, .. } = function;
    let (import, rt) = runtime(spec);
    let guard = Guard { spec, function, rt };
    let keeps_self = guard.keeps_self();
    let content = match function.flavor {
        Flavor::Sync | Flavor::Async => guard.guarded_body(),
        _ if function.returns_stream() => guard.guarded_stream(),
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

/// The start of every path to the runtime, which is imported first: so paths are short, which saves the compiler time,
/// and a mistake in a path that the user gives is one error.
fn runtime(spec: &Spec) -> (TokenStream, TokenStream) {
    let given = spec.krate.as_ref().map(ToTokens::to_token_stream);
    let runtime = given.unwrap_or_else(|| quote! { ::breaker_runtime });
    (quote! { use #runtime::__private as __breaker; }, quote! { __breaker })
}

/// The label of the block that a refused call breaks out of.
fn guarded() -> Lifetime {
    Lifetime::new("'__breaker_guarded", Span::mixed_site())
}

/// What becomes of a refused call.
enum Refused {
    /// The function returns a value that says so.
    Returns,
    /// That is the value of the block.
    Breaks(TokenStream),
}

/// What every part of an expansion needs.
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
        if self.is_one_future() {
            let called = self.called_async(&body);
            return quote! { #circuit #called };
        }
        if !self.takes_arguments_at_once() {
            let decide = self.decide(&lends, &self.awaited(&body));
            return quote! { #circuit #decide };
        }
        let (future, permit) = (local("future"), local("permit"));
        let decide = self.decide(&lends, &self.awaited(&future.to_token_stream()));
        if self.is_pinned_first() {
            let led_to = self.led_to();
            return quote! {
                #circuit #led_to
                let mut #permit;
                let #future = ::core::pin::pin!(#body);
                #decide
            };
        }
        quote! { #circuit let #future = #body; #decide }
    }

    /// Whether one future of the runtime does all that a call of an `async fn` takes, so that nothing is left to write.
    fn is_one_future(&self) -> bool {
        let Spec { fallback, call_timeout, on_cancel, .. } = self.spec;
        let does_more =
            fallback.is_some() || call_timeout.is_some() || !matches!(on_cancel, OnCancel::Ignore);
        self.function.output.ty.is_some() && self.counts_by_type() && !does_more
    }

    /// Whether the body of an `async fn` takes the arguments before it asks for a permit. Otherwise the future would hold
    /// large ones once more.
    fn takes_arguments_at_once(&self) -> bool {
        let is_small = self.function.arguments.iter().all(|argument| argument.is_small);
        self.function.flavor == Flavor::Async && self.spec.fallback.is_none() && !is_small
    }

    /// Whether that body is pinned at once. It is moved no more, so the future holds it once. A limit has to drop it.
    fn is_pinned_first(&self) -> bool {
        self.takes_arguments_at_once()
            && self.spec.call_timeout.is_none()
            && self.function.output.ty.is_some()
    }

    /// Acquires a permit. If there is none, leaves with `refused`.
    fn admitted(&self, refused: &Refused) -> TokenStream {
        let (rt, circuit) = (&self.rt, local("circuit"));
        let (permit, rejected) = (local("permit"), local("rejected"));
        // What a permit borrows, and a body that is pinned before, are declared around it: so the body is dropped first.
        let is_declared = self.is_pinned_first();
        let site = (!is_declared).then(|| self.led_to());
        let (enter, leave) = match refused {
            // Errors about the return type are reported there.
            Refused::Returns if self.function.is_async() => {
                let (first, last) = self.function.output.blame;
                let enter = quote! { #rt::enter_async_or_refuse(#circuit) };
                (respan(enter, first, last), quote! { return #rejected })
            }
            Refused::Returns => {
                let (first, last) = self.function.output.blame;
                let enter = quote! { #rt::enter_or_refuse(#circuit) };
                (respan(enter, first, last), quote! { return #rejected })
            }
            Refused::Breaks(told) => {
                let enter = word(if self.function.is_async() { "enter_async" } else { "enter" });
                let guarded = guarded();
                (quote! { #rt::#enter(#circuit) }, quote! { break #guarded #told })
            }
        };
        let permitted = |entered| {
            quote! {
                match #entered {
                    #rt::Ok(#permit) => #permit,
                    #rt::Err(#rejected) => #leave,
                }
            }
        };
        if !self.function.is_async() {
            let permitted = permitted(enter);
            return quote! { #site let #permit = #permitted; };
        }
        // Most calls need not wait. An `Admission` has no destructor, so the future does not store and move
        // it.
        let admission = local("admission");
        let permitted = permitted(quote! { #enter.await });
        let failure_after = self.failure_after();
        let declared = (!is_declared).then(|| quote! { let mut });
        quote! {
            #site
            #declared #permit = match #rt::enter_at_once(#circuit) {
                #rt::Some(#admission) => #rt::Admission::permit(#admission),
                #rt::None => #permitted,
            };
            #failure_after
        }
    }

    /// The way to the circuit.
    fn led_to(&self) -> TokenStream {
        let (circuit, leads) = (local("circuit"), self.leads());
        quote! { let #circuit = #leads; }
    }

    fn leads(&self) -> TokenStream {
        if self.spec.key.is_none() {
            return self.site();
        }
        let circuit = local("circuit");
        quote! { &*#circuit }
    }

    /// The way to the circuit as an argument, and what binds it before. What a block makes would not last.
    fn way(&self) -> (Option<TokenStream>, TokenStream) {
        let leads = self.leads();
        if self.spec.key.is_some() || self.text().is_some() {
            return (None, leads);
        }
        let circuit = local("circuit");
        (Some(quote! { let #circuit = #leads; }), quote! { #circuit })
    }

    /// Acquires a permit, runs `out` under it, and returns its value, a refusal or the fallback's value.
    fn decide(&self, lends: &TokenStream, out: &TokenStream) -> TokenStream {
        let (rt, guarded) = (&self.rt, guarded());
        let (permit, rejected, error) = (local("permit"), local("rejected"), local("error"));
        let Some(fallback) = &self.spec.fallback else {
            let (admitted, settled) = (self.admitted(&Refused::Returns), self.settled(out, None));
            return quote! { #admitted #settled };
        };
        // Only a closure looks at the error. Other fallbacks need none.
        let is_told = matches!(fallback, Fallback::Closure { .. });
        let told = |wrap: TokenStream, cause: &TokenStream| {
            let tell = if is_told {
                wrap
            } else {
                quote! { ::core::mem::drop }
            };
            quote! { #tell(#cause) }
        };
        let refused = |told| self.admitted(&Refused::Breaks(told));
        let bound = is_told.then(|| quote! { let #error = });
        let (rejected, answer) = (quote! { #rejected }, self.answer(fallback));
        if self.function.output.ty.is_none() {
            let rejected = told(quote! { #rt::CallError::<#rt::Infallible>::Rejected }, &rejected);
            let admitted = refused(rejected);
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
            let admitted = refused(told(wrap, &cause));
            let settled = self.settled(out, is_told.then_some(&error_type));
            let error_type =
                is_told.then(|| quote! { let #error_type = #rt::ErrorType::unknown(); });
            return quote! {
                #error_type
                #bound #guarded: { #admitted return { #settled } };
                #answer
            };
        }
        let admitted = refused(told(quote! { #rt::CallError::Rejected }, &rejected));
        let (value, kind, verdict) = (local("value"), local("kind"), self.verdict());
        let failed = if is_told {
            quote! { #error }
        } else {
            quote! { ::core::mem::drop(#error) }
        };
        let (returned, check) = (self.returned(), self.guardable());
        let settled = quote! {
            #check
            let #kind = #rt::KindOf::value(&#value).__breaker_kind();
            match #rt::settle_or_fall_back(#permit, #verdict, #kind, #value) {
                #rt::Ok(#value) => return #returned,
                #rt::Err(#error) => #failed,
            }
        };
        let timed_out = |timed_out| told(quote! { #rt::CallError::TimedOut }, &timed_out);
        let attempted = self.attempted(out, &settled, timed_out);
        quote! { #bound #guarded: { #admitted #lends #attempted }; #answer }
    }

    /// Runs `out`. Continues with its value, or with `timed_out` if `call_timeout` was exceeded.
    fn attempted(
        &self,
        out: &TokenStream,
        settled: &TokenStream,
        timed_out: impl FnOnce(TokenStream) -> TokenStream,
    ) -> TokenStream {
        let (rt, value, permit) = (&self.rt, local("value"), local("permit"));
        let Some(limit) = self.call_timeout() else {
            let allow = self.allow_complexity();
            return quote! { #allow let #value = #out; #settled };
        };
        let timed_out = timed_out(quote! { #rt::time_out(#permit, #limit) });
        quote! {
            match #out {
                #rt::Ok(#value) => { #settled }
                #rt::Err(_) => #timed_out,
            }
        }
    }

    /// Settles the permit with the outcome of `out`, and returns its value.
    fn settled(&self, out: &TokenStream, error_type: Option<&Ident>) -> TokenStream {
        let (rt, verdict) = (&self.rt, self.verdict());
        let (permit, value, kind) = (local("permit"), local("value"), local("kind"));
        if self.function.output.ty.is_none() {
            return out.clone();
        }
        if error_type.is_none() && self.counts_by_type() {
            let (returned, check) = (self.returned(), self.guardable());
            let settled = quote! {
                #check
                #rt::ended(&#value).__breaker_settle(#permit);
                #returned
            };
            return self.attempted(out, &settled, |timed_out| self.given_up(timed_out));
        }
        let tells_type = error_type.map(|error_type| {
            quote! { #rt::ErrorType::is_of(#error_type, #kind, &#value); }
        });
        let (returned, check) = (self.returned(), self.guardable());
        let settled = quote! {
            #check
            let #kind = #rt::KindOf::value(&#value).__breaker_kind();
            #tells_type
            #rt::settle(#permit, #verdict);
            #returned
        };
        self.attempted(out, &settled, |timed_out| self.given_up(timed_out))
    }

    /// The return value of a call that timed out, without a fallback.
    fn given_up(&self, timed_out: TokenStream) -> TokenStream {
        let (rt, (first, last)) = (&self.rt, self.function.output.blame);
        call_at(&respan(quote! { #rt::give_up }, first, first), timed_out, last)
    }
}
