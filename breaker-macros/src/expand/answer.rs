//! What a call counts as, and what the caller gets: the body's value, a refusal, or the fallback's value.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident, quote};

use super::Guard;
use crate::function::Function;
use crate::function::argument::Argument;
use crate::function::output::Flavor;
use crate::spans::{call_at, ends, local, placed, respan, tail};
use crate::spec::fallback::Fallback;
use crate::spec::{Predicate, Spec};

impl Guard<'_> {
    /// The body's value as it is returned. Borrow errors about it are reported at the body's last expression.
    pub(super) fn returned(&self) -> Ident {
        placed("value", tail(&self.function.body))
    }

    /// Asks the compiler whether the body's value is a future or a stream, which would run unguarded, and whether it
    /// can be a failure, unless an option says what else counts. Without a fallback the type cannot be refused anyway,
    /// which is an error already.
    pub(super) fn guardable(&self) -> Option<TokenStream> {
        let Function { flavor, output, .. } = self.function;
        if output.is_value || self.spec.fallback.is_none() {
            return None;
        }
        let (rt, name) = (&self.rt, output.declared.name);
        let kind = match flavor {
            Flavor::Sync => quote! { Returned },
            _ if self.function.returns_stream() => quote! { KindOf },
            _ => quote! { Resolved },
        };
        let (value, (first, last)) = (local("value"), output.blame);
        let ask = if self.spec.says_what_counts {
            call_at(&placed("check", name), TokenStream::new(), name)
        } else {
            let seen = respan(quote! { &#value }, first, last);
            call_at(&placed("opens", name), seen, last)
        };
        // Never runs, so it costs nothing, not even without optimisation. Only its types matter.
        Some(quote! { if false { #rt::#kind::value(&#value).#ask; } })
    }

    /// Whether the type of a value says what it counts as, and no option does.
    pub(super) fn counts_by_type(&self) -> bool {
        let Spec { failure_if, ignore_if, open_for, describe_error, only_panics, .. } = self.spec;
        let asks = ignore_if.is_some() || open_for.is_some() || describe_error.is_some();
        !(asks || failure_if.is_some() || *only_panics)
    }

    /// The outcome of `value`, and what its error says.
    pub(super) fn verdict(&self) -> TokenStream {
        let Spec { open_for, describe_error, .. } = self.spec;
        let asking = self.asked("open_for", open_for.as_ref(), self.outcome());
        self.asked("describe_error", describe_error.as_ref(), asking)
    }

    /// The verdict, with what the error of `value` answers to that option.
    fn asked(&self, option: &str, asks: Option<&Predicate>, verdict: TokenStream) -> TokenStream {
        let Some(asks) = asks else { return verdict };
        let (rt, value, option) = (&self.rt, local("value"), format_ident!("{}", option));
        let (first, last) = ends(&asks.value);
        let (kind, asks) = (placed("kind", asks.key), &asks.value);
        let asked = quote! { #kind, &#value, #verdict, #asks };
        call_at(&respan(quote! { #rt::#option }, first, first), asked, last)
    }

    /// The outcome of the body's value: `ignore_if` decides first, then `failure_if`, then the type.
    pub(super) fn outcome(&self) -> TokenStream {
        let value = local("value");
        self.outcome_of(&quote! { &#value })
    }

    /// The outcome of what the reference leads to.
    pub(super) fn outcome_of(&self, reference: &TokenStream) -> TokenStream {
        let (rt, value) = (&self.rt, local("value"));
        if let Some(ignore_if) = &self.spec.ignore_if {
            let otherwise = self.judged(&value.to_token_stream());
            let (first, last) = ends(&ignore_if.value);
            let (kind, ignore_if) = (placed("kind", ignore_if.key), &ignore_if.value);
            let asked = quote! { #kind, #reference, #ignore_if, |#value| #otherwise };
            call_at(&respan(quote! { #rt::ignore_if }, first, first), asked, last)
        } else {
            self.judged(reference)
        }
    }

    fn judged(&self, reference: &TokenStream) -> TokenStream {
        let (rt, kind) = (&self.rt, local("kind"));
        if let Some(failure_if) = &self.spec.failure_if {
            let (first, last) = ends(failure_if);
            let path = respan(quote! { #rt::failure_if }, first, first);
            call_at(&path, quote! { #reference, #failure_if }, last)
        } else if self.spec.only_panics {
            quote! { #rt::Outcome::Success }
        } else {
            quote! { #rt::outcome(#kind, #reference) }
        }
    }

    /// The refusal in the function's return type, without a fallback. Errors about that type are reported at
    /// the type.
    pub(super) fn refused(&self, rejected: &Ident) -> TokenStream {
        let rt = &self.rt;
        let (first, last) = self.function.output.blame;
        respan(quote! { #rt::refuse(#rejected) }, first, last)
    }

    /// The fallback's value, given the error.
    pub(super) fn answer(&self, fallback: &Fallback) -> TokenStream {
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
                // If the type is wrong, the error names our local. Otherwise the compiler would suggest how
                // to rewrite a call that the user cannot see.
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

    /// The user's expression as the last one of a block. For `()`, clippy wants a semicolon after it, which
    /// an option's value cannot have.
    fn last(&self, expression: &syn::Expr) -> TokenStream {
        match &self.function.output.ty {
            Some(syn::Type::Tuple(unit)) if unit.elems.is_empty() => {
                quote! { #[allow(clippy::diverging_sub_expression)] let () = #expression; }
            }
            // As a statement: `syn` then adds parentheses where the expression would end too early.
            _ => syn::Stmt::Expr(expression.clone(), None).to_token_stream(),
        }
    }
}
